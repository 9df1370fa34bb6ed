// Live pages. Signals come by one stream for all tabs of a browser: one tab leads (Web Locks) and tells the others
// (BroadcastChannel). A signal says that something changed, never what: the page is asked for again, and morphed.
// Without a stream the page is asked for every ten seconds. Whether it lives is told in words.
"use strict";
(() => {
  const region = document.getElementById("live");
  const told = document.getElementById("liveness");
  if (!region || !told || region.dataset.live === undefined) return;

  const POLL_MS = 10000;
  const SOON_MS = 50;
  const SLOWEST_MS = 10000;
  const FRESH_MS = 3000;
  const NOBODY = "-"; // no execution's signal speaks of such a page
  const topics = () => (region.dataset.topics ?? "").split(" ").filter(Boolean);
  const root = document.body.dataset.root;
  const channel = new BroadcastChannel(`sagas ${root}`);
  const moved = document.getElementById("moved"); // only where a person is about to confirm what they see
  const words = {
    live: "Live",
    polling: "Polling: looks again every few seconds",
    stale: "Stale: the server does not answer, so what is shown may be old. Trying again",
    left: "Stale: you are signed out. Reload the page to sign in",
  };
  let state = "joining";

  const show = (next) => {
    const isHeard = region.dataset.live !== NOBODY || topics().length > 0;
    state = next === "live" && !isHeard ? "polling" : next;
    if (told.dataset.state === state) return;
    told.dataset.state = state;
    told.textContent = words[state];
  };

  // Asking for the page again. A burst of changes is one look; while they keep coming, looks become seldom: many open
  // pages must not wear a server out.
  let timer = 0;
  let pause = SOON_MS;
  let looked = -SLOWEST_MS;
  let isLooking = false;
  let isWanted = false;
  let isShowingNew = false;
  let tag = ""; // of what is shown: the server need not send the same again

  const want = () => {
    if (moved || document.hidden) return;
    isWanted = true;
    if (timer || isLooking) return;
    const since = performance.now() - looked;
    if (since > SLOWEST_MS) pause = SOON_MS;
    timer = setTimeout(look, Math.max(SOON_MS, pause - since));
    pause = Math.min(SLOWEST_MS, pause * 2);
  };

  const look = async () => {
    clearTimeout(timer);
    timer = 0;
    isWanted = isLooking;
    if (isLooking) return;
    isLooking = true;
    const how = { source: region, target: region, select: "#live", swap: "outerMorph" };
    await htmx.ajax("GET", location.href, how).catch(() => show("stale"));
    isLooking = false;
    looked = performance.now();
    if (isWanted) want();
    again();
  };

  region.addEventListener("htmx:before:request", (event) => {
    if (tag && !isShowingNew) event.detail.ctx.request.headers["If-None-Match"] = tag;
  });
  region.addEventListener("htmx:after:request", (event) => {
    if (event.detail.ctx.response.status === 304 && state === "stale") show("polling");
  });
  region.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    if (ctx.response.status === 304) return;
    const fresh = tasks[0]?.fragment.querySelector?.("#live");
    const isOurs = fresh && fresh.dataset.live !== undefined;
    if (ctx.response.status < 400 && isOurs) {
      for (const table of region.querySelectorAll("tbody[data-rows]")) keepPlaces(table, fresh);
      isShowingNew = false;
      tag = ctx.response.headers.get("ETag") ?? "";
      if (state === "stale") show("polling");
      return;
    }
    event.preventDefault(); // what is shown stays: an error tells nothing about it
    show(ctx.response.status === 401 || (ctx.response.status < 400 && !isOurs) ? "left" : "stale");
  });
  region.addEventListener("htmx:error", () => show("stale"));

  // Rows stay where they are, changed in place; new ones wait until they are asked for.
  const keepPlaces = (table, fresh) => {
    const body = [...fresh.querySelectorAll("tbody[data-rows]")].find((one) => one.dataset.rows === table.dataset.rows);
    if (!body || isShowingNew) return;
    const rows = new Map([...body.rows].map((row) => [row.id, row]));
    const kept = [...table.rows].map((row) => rows.get(row.id) ?? gone(row));
    const known = new Set(kept.map((row) => row.id));
    const news = [...rows.keys()].filter((id) => !known.has(id)).length;
    body.replaceChildren(...kept);
    const note = [...fresh.querySelectorAll("[data-news]")].find((one) => one.dataset.news === table.dataset.rows);
    if (!note || news === 0) return;
    note.hidden = false;
    note.querySelector("button").textContent = `${news} new, show`;
  };

  const gone = (row) => {
    const copy = row.cloneNode(true);
    if (copy.classList.contains("left")) return copy;
    copy.classList.add("left");
    const mark = document.createElement("span");
    mark.className = "faint";
    mark.textContent = " (moved on)";
    copy.cells[0].append(mark);
    return copy;
  };

  region.addEventListener("click", (event) => {
    const note = event.target.closest("[data-news]");
    if (!note || !event.target.closest("button")) return;
    note.nextElementSibling?.focus({ preventScroll: true }); // the button goes away
    isShowingNew = true;
    look();
  });

  // Pages that nobody signals, and every page while there is no stream.
  let clock = 0;
  const again = () => {
    clearTimeout(clock);
    const every = state === "live" ? 0 : Number(region.dataset.again) * 1000 || POLL_MS;
    if (every && !document.hidden && !moved) clock = setTimeout(look, every);
  };

  const hear = (signal) => {
    if (signal.kind === "changed") {
      const isOurs = signal.topic ? topics().includes(signal.topic) : ["", signal.id].includes(region.dataset.live);
      if (!isOurs) return;
      if (moved) moved.hidden = false;
      want();
    } else if (signal.kind === "ready") {
      show("live");
      want();
      again();
    } else if (signal.kind === "lost") {
      show("stale");
      again();
    } else if (signal.kind === "standing" && state === "joining") {
      show(signal.isOpen ? "live" : "stale");
      if (signal.isFresh) want(); // it may have changed between the page's making and now
      again();
    } else if (signal.kind === "hello" && source) {
      channel.postMessage({ kind: "standing", isOpen, isFresh: performance.now() - changed < FRESH_MS });
    }
  };
  const tell = (signal) => {
    channel.postMessage(signal);
    hear(signal);
  };

  // The stream, in the one tab that leads. It comes back by itself; what was missed comes then.
  let source = null;
  let changed = -FRESH_MS;
  let isOpen = false;
  let resign = null;

  const open = () => {
    source = new EventSource(`${root}/api/v1/events`);
    const ready = () => {
      isOpen = true;
      tell({ kind: "ready" });
    };
    source.addEventListener("ready", ready);
    source.addEventListener("reset", ready);
    source.addEventListener("execution.changed", (event) => {
      changed = performance.now();
      tell({ kind: "changed", id: JSON.parse(event.data).execution_id });
    });
    for (const topic of ["parked", "operations", "bulks"]) {
      source.addEventListener(`${topic}.changed`, () => {
        changed = performance.now();
        tell({ kind: "changed", topic });
      });
    }
    source.addEventListener("error", () => {
      isOpen = false;
      tell({ kind: "lost" });
      if (source?.readyState !== EventSource.CLOSED) return;
      source = null; // refused: it does not try again by itself
      setTimeout(() => resign && !source && open(), POLL_MS);
    });
  };

  const join = () => {
    state = "joining";
    if (!navigator.locks) return again(); // no secure context
    const waiting = new AbortController();
    resign = () => waiting.abort();
    const leading = () => new Promise((done) => {
      resign = () => {
        source?.close();
        source = null;
        isOpen = false;
        done();
      };
      open();
    });
    navigator.locks.request(`sagas ${root}`, { signal: waiting.signal }, leading).catch(() => {});
    channel.postMessage({ kind: "hello" });
    again();
  };
  const leave = () => {
    resign?.();
    resign = null;
    clearTimeout(clock);
    clearTimeout(timer);
    timer = 0;
  };

  channel.onmessage = ({ data }) => hear(data);
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : join()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => event.persisted && join());
  if (!document.hidden) join();
})();
