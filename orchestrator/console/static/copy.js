// Buttons that copy an id. Where there is no clipboard, without scripts or a secure context, they stay hidden.
"use strict";
(() => {
  if (!navigator.clipboard) return;
  const TOLD_MS = 2000;
  document.documentElement.classList.add("copies");
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest?.("button.copy");
    if (!button) return;
    const done = await navigator.clipboard.writeText(button.dataset.copy).then(() => "Copied", () => "Not copied");
    button.textContent = done;
    setTimeout(() => { button.textContent = "Copy"; }, TOLD_MS);
  });
})();
