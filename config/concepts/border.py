"""A detector for a harmless concept: an image has a border if the outermost pixels of all four sides are bright."""


def detect(images):
    """Return ("border", mean brightness of the darkest side, 0 to 1) of each image; images: [B, H, W, C], uint8."""
    grey = images.mean(axis=3) / 255
    sides = (grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1])
    scores = [min(float(side[b].mean()) for side in sides) for b in range(len(images))]
    return [[("border", score)] for score in scores]
