// Times: "3 min ago" stays true while a page is open, and the reader's own clock stands beside UTC.
"use strict";
(() => {
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const EVERY_MS = 10000;
  const between = (ms) => {
    let seconds = Math.floor(Math.abs(ms) / 1000);
    const parts = [];
    for (const [size, word] of UNITS) {
      const number = Math.floor(seconds / size);
      seconds %= size;
      if (number) parts.push(`${number} ${word}`);
    }
    return parts.slice(0, 2).join(" ") || "0 s";
  };
  const tell = () => {
    for (const one of document.querySelectorAll("time[datetime]")) {
      const at = new Date(one.dateTime);
      const ms = Date.now() - at;
      const text = ms >= 0 ? `${between(ms)} ago` : `in ${between(ms)}`;
      const ago = one.firstElementChild;
      if (ago && ago.textContent !== text) ago.textContent = text;
      const utc = one.title.split(", ")[0];
      const local = `${utc}, ${at.toLocaleString()} here`;
      if (one.title !== local) one.title = local;
    }
  };
  tell();
  setInterval(() => document.hidden || tell(), EVERY_MS);
  document.addEventListener("htmx:after:swap", tell);
})();
