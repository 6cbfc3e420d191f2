// Definitions open by click, tap or Enter without this script. With it they also open on hover, beside their heading.
for (const button of document.querySelectorAll("button[popovertarget]")) {
  const card = document.getElementById(button.getAttribute("popovertarget"));
  if (!card || !card.showPopover) continue;
  let pinned = false;
  card.addEventListener("toggle", (event) => {
    if (event.newState === "closed") { pinned = false; return; }
    const place = button.getBoundingClientRect();
    const left = Math.max(12, Math.min(place.left, document.documentElement.clientWidth - card.offsetWidth - 12));
    const below = place.bottom + 10 + card.offsetHeight < innerHeight;
    const top = below ? place.bottom + 10 : Math.max(12, place.top - 10 - card.offsetHeight);
    Object.assign(card.style, { inset: "auto", margin: "0", left: left + "px", top: top + "px" });
  });
  button.addEventListener("click", () => { pinned = true; });
  button.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse" && !card.matches(":popover-open")) card.showPopover();
  });
  button.addEventListener("pointerleave", () => {
    if (!pinned && card.matches(":popover-open")) card.hidePopover();
  });
}
addEventListener("scroll", () => { for (const card of document.querySelectorAll(".card:popover-open")) card.hidePopover(); }, { passive: true });
