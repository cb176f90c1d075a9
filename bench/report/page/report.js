// What moves in the report: the theme, sortable tables, charts, the order of items, and the players.
// It reads REPORT (data.js): rows, baseline, charts, and of clips and images their items and orders.
"use strict";

const PHOTOGRAPHS_AT_A_TIME = 12;
const find = (selector, within = document) => within.querySelector(selector);
const findAll = (selector, within = document) => [...within.querySelectorAll(selector)];

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Theme: the system's unless the reader chose one.

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function changeTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem("huebench-theme", theme); } catch { /* some browsers keep nothing for files */ }
  REPORT.charts.forEach(recolour);
}

// Tables: a click on a heading sorts the groups of rows, numbers by value; a second click turns the order.

function sortBy(table, column, heading) {
  const falling = heading.getAttribute("aria-sort") === "ascending";
  findAll("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const value = (group) => group.rows[0].cells[column].dataset.value;
  const groups = [...table.tBodies];
  const known = groups.filter((group) => value(group) !== "").sort((a, b) => compare(value(a), value(b)));
  if (falling) known.reverse();
  table.append(...known, ...groups.filter((group) => value(group) === ""));
}

function compare(a, b) {
  const numbers = [Number(a), Number(b)];
  return numbers.some(Number.isNaN) ? a.localeCompare(b, "en", { numeric: true }) : numbers[0] - numbers[1];
}

function makeSortable(table) {
  findAll("thead th", table).forEach((heading, column) => {
    const cells = [...table.tBodies].map((group) => group.rows[0].cells[column]);
    if (cells.some((cell) => cell.classList.contains("number"))) heading.classList.add("number");
    find("button", heading).addEventListener("click", () => sortBy(table, column, heading));
  });
}

// Items are looked up by names that files have, such as `constructor`: mappings of them must know no others.
for (const { orders } of [REPORT.clips, REPORT.images]) {
  orders.forEach((order) => Object.values(order.values).forEach((own) => Object.setPrototypeOf(own, null)));
}

// Charts.

function colours() {
  const style = getComputedStyle(document.documentElement);
  const [ink, rule] = ["--ink", "--rule"].map((name) => style.getPropertyValue(name).trim());
  return {
    "font.color": ink, "xaxis.gridcolor": rule, "yaxis.gridcolor": rule,
    "xaxis.linecolor": rule, "yaxis.linecolor": rule, "xaxis.zerolinecolor": rule, "yaxis.zerolinecolor": rule,
    "hoverlabel.bgcolor": style.getPropertyValue("--raised").trim(), "hoverlabel.font.color": ink,
    "modebar.bgcolor": "rgba(0,0,0,0)", "modebar.color": style.getPropertyValue("--soft").trim(),
  };
}

const place = (chart) => document.getElementById(`chart-${chart.name}`);
const recolour = (chart) => Plotly.relayout(place(chart), colours());

const axis = (text) => ({ title: { text, standoff: 12 }, automargin: true });

function drawChart(chart) {
  const narrow = place(chart).clientWidth < 600;
  const curves = chart.traces.filter((trace) => trace.showlegend !== false).length;
  const layout = {
    font: { family: getComputedStyle(document.body).fontFamily, size: 13 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 10, r: 10, t: narrow ? 10 : 35, b: 50 }, hovermode: "closest", hoverlabel: { font: {} },
    height: narrow ? 360 + 20 * curves : 440,
    xaxis: axis(chart.x),
    yaxis: { ...axis(chart.y), type: chart.scale, ...(chart.scale === "log" ? { dtick: 1, exponentformat: "power" } : {}) },
    yaxis2: { ...axis(chart.y2), overlaying: "y", side: "right", showgrid: false },
    legend: narrow ? { orientation: "h", yanchor: "top", y: -0.22 } : { x: 1.08 },
    dragmode: narrow ? false : "zoom",
  };
  const options = { displaylogo: false, responsive: true, displayModeBar: !narrow, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
  Plotly.newPlot(place(chart), chart.traces, layout, options).then(() => recolour(chart));
}

// Order: items by a row's value of a metric. What has no value comes last.

function ordered(items, values, direction, order) {
  const value = (item) => values[item.name];
  const better = direction === "up" ? 1 : -1;
  const worstFirst = items.filter((item) => value(item) !== undefined).sort((a, b) => better * (value(a) - value(b)));
  const rest = items.filter((item) => value(item) === undefined);
  if (order === "worst") return [...worstFirst, ...rest];
  if (order === "best") return [...worstFirst.reverse(), ...rest];
  const mixed = worstFirst.map((_, i) => (i % 2 ? worstFirst.at(-(i + 1) / 2) : worstFirst[i / 2]));
  return [...mixed, ...rest];
}

function number(value, unit) {
  return value === undefined ? "no value" : `${Number(value.toPrecision(4))}${unit ? ` ${unit}` : ""}`;
}

// What a form of the page asks for: items in order, by values of a metric and a method, and which ones are at the ends.
function asked(form) {
  const { items, orders } = REPORT[form.dataset.kind];
  const metric = orders[form.metric.value];
  const values = metric?.values[form.method.value] ?? {};
  const direction = metric?.direction;
  const known = ordered(items, values, direction, "worst").filter((item) => values[item.name] !== undefined);
  const ends = { worst: known[0]?.name, best: known.length > 1 ? known.at(-1).name : undefined };
  return { metric, method: form.method.value, values, ends, items: ordered(items, values, direction, form.order.value) };
}

function described(item, { metric, method, values, ends }) {
  const badge = Object.keys(ends).find((end) => ends[end] === item.name);
  const text = metric ? `${method}, ${metric.title}: ${number(values[item.name], metric.unit)}` : "not scored";
  return [text, ...(badge ? [" ", element("span", { className: `badge ${badge}`, textContent: badge })] : [])];
}

function tell(form, { metric, method, values, items }) {
  const known = items.filter((item) => values[item.name] !== undefined).length;
  const better = metric?.direction === "up" ? "higher" : "lower";
  form.querySelector("output").textContent = metric
    ? `${known} of ${items.length} have a value of ${method}; ${better} is better.` : "Nothing was scored.";
}

function orderClips(form) {
  const asks = asked(form);
  const list = document.getElementById("list-clips");
  tell(form, asks);
  for (const item of asks.items) {
    const clip = find(`[data-item="${CSS.escape(item.name)}"]`, list);
    find(".value", clip).replaceChildren(...described(item, asks));
    findAll(".score", clip).forEach((score) => { score.textContent = scoreOf(asks.metric, score.dataset.row, item); });
    list.append(clip);
  }
}

function orderImages(form, shown = PHOTOGRAPHS_AT_A_TIME) {
  const asks = asked(form);
  tell(form, asks);
  const list = document.getElementById("list-images");
  list.replaceChildren(...asks.items.slice(0, shown).map((item) => photograph(item, asks)));
  const more = document.getElementById("more-images");
  more.hidden = shown >= asks.items.length;
  more.onclick = () => orderImages(form, shown + PHOTOGRAPHS_AT_A_TIME);
}

function scoreOf(metric, row, item) {
  const value = metric?.values[row]?.[item.name];
  return value === undefined ? "" : number(value, metric.unit);
}

// A tile's picture, or why there is none, over its title and its row's score. The row `grey` has the input's tile.
function captioned(metric, tile, item, picture) {
  const row = tile.name === "input" ? "grey" : tile.name;
  const score = element("span", { className: "score", textContent: scoreOf(metric, row, item) });
  score.dataset.row = row;
  const caption = element("figcaption", {}, element("b", { textContent: tile.title }), " ", score);
  return element("figure", {}, picture ?? element("div", { className: "missing", textContent: tile.reason }), caption);
}

function photograph(item, asks) {
  const tiles = item.tiles.map((tile) => {
    const picture = tile.place === null ? null : element("img", {
      src: item.strip, loading: "lazy", width: item.width, height: item.height, alt: `${tile.title} of ${item.name}`,
    });
    if (picture) picture.style.objectPosition = `${-tile.place * item.width}px 0`;
    const figure = captioned(asks.metric, tile, item, picture);
    figure.style.width = `${item.width}px`;
    return figure;
  });
  const heading = element("h3", { textContent: `${item.name} ` }, element("span", { className: "value" }, ...described(item, asks)));
  return element("article", { className: "photograph" }, heading, element("div", { className: "tiles" }, ...tiles));
}

// Player: one video holds all tiles of a clip; every canvas is drawn from the same frame of it.

class Player {
  constructor(clip, metric) {
    this.clip = clip;
    this.root = find("#player").content.cloneNode(true).firstElementChild;
    this.frame = 0;
    this.wanted = 0;
    this.split = 0.5;
    this.part = Object.fromEntries(findAll("[name]", this.root).map((one) => [one.name, one]));
    this.part.number = find("output", this.root);
    this.wipe = find(".wipe", this.root);
    this.divider = find(".divider", this.root);
    this.canvases = new Map(); // canvas -> tile
    this.makeTiles(metric);
    this.fillSides();
    this.makeVideo();
    this.listen();
  }

  get shownTiles() { return this.clip.tiles.filter((tile) => tile.place !== null); }

  canvas() { return element("canvas", { width: this.clip.grid.width, height: this.clip.grid.height }); }

  makeTiles(metric) {
    const figures = this.clip.tiles.map((tile) => {
      const canvas = tile.place === null ? null : this.canvas();
      if (canvas) this.canvases.set(canvas, tile);
      return captioned(metric, tile, this.clip, canvas);
    });
    find(".tiles", this.root).append(...figures);
    Object.assign(find("canvas", this.wipe), { width: this.clip.grid.width, height: this.clip.grid.height });
  }

  fillSides() {
    const names = this.shownTiles.map((tile) => tile.name);
    for (const side of ["left", "right"]) {
      this.part[side].append(...this.shownTiles.map((tile) => element("option", { value: tile.name, textContent: tile.title })));
    }
    this.part.left.value = "ground_truth";
    this.part.right.value = names.includes(REPORT.baseline) ? REPORT.baseline : names.at(-1);
  }

  makeVideo() {
    this.video = element("video", { src: this.clip.video, muted: true, playsInline: true, loop: true, preload: "auto" });
    this.status = find(".status", this.root);
    this.video.addEventListener("loadeddata", () => { this.status.textContent = ""; this.show(0); });
    this.video.addEventListener("error", () => { this.status.textContent = `This browser cannot play ${this.clip.video}.`; });
    this.video.addEventListener("seeked", () => this.sought());
    if (this.video.requestVideoFrameCallback) {
      const presented = (_, { mediaTime }) => {
        if (!this.video.paused) this.frame = this.frameAt(mediaTime);
        this.draw();
        this.video.requestVideoFrameCallback(presented);
      };
      this.video.requestVideoFrameCallback(presented);
    } else {
      const tick = () => {
        if (this.video.paused) return;
        this.frame = this.frameAt(this.video.currentTime - 0.5 / this.clip.rate);
        this.draw();
        requestAnimationFrame(tick);
      };
      this.video.addEventListener("play", tick);
    }
  }

  frameAt(seconds) { return Math.min(this.clip.frames - 1, Math.round(seconds * this.clip.rate)); }

  listen() {
    const { play, back, forward, frame, left, right } = this.part;
    frame.max = this.clip.frames - 1;
    play.addEventListener("click", () => this.toggle());
    back.addEventListener("click", () => this.show(this.wanted - 1));
    forward.addEventListener("click", () => this.show(this.wanted + 1));
    frame.addEventListener("input", () => this.show(Number(frame.value)));
    left.addEventListener("change", () => this.draw());
    right.addEventListener("change", () => this.draw());
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.wipe.addEventListener("pointerdown", (event) => {
      this.wipe.setPointerCapture(event.pointerId);
      this.divideAt(event);
    });
    this.wipe.addEventListener("pointermove", (event) => { if (event.buttons) this.divideAt(event); });
  }

  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input")) return;
    if (event.target === this.divider && event.key in steps) this.divide(this.split + steps[event.key] / 20);
    else if (event.key in steps) this.show((this.video.paused ? this.wanted : this.frame) + steps[event.key]);
    else if (event.key === " " && !event.target.matches("button")) this.toggle();
    else return;
    event.preventDefault();
  }

  toggle() {
    if (!this.video.paused) return this.show(this.frame);
    this.video.play().catch((error) => {
      if (error.name !== "AbortError") this.status.textContent = `This browser does not play the clip: ${error.message}`;
    });
    this.tell();
  }

  // Stop at a frame: its middle is sought, so that rounding cannot lead to a neighbour.
  show(frame) {
    this.wanted = Math.max(0, Math.min(this.clip.frames - 1, frame));
    this.video.pause();
    if (!this.video.seeking) this.seek();
  }

  seek() {
    this.sent = this.wanted;
    this.video.currentTime = (this.wanted + 0.5) / this.clip.rate;
  }

  sought() {
    if (!this.video.paused) return; // the video begins again
    if (this.sent !== this.wanted) return this.seek();
    this.frame = this.wanted;
    this.draw();
  }

  divideAt(event) {
    const box = this.wipe.getBoundingClientRect();
    this.divide((event.clientX - box.left) / box.width);
  }

  divide(split) {
    this.split = Math.max(0, Math.min(1, split));
    this.divider.style.left = `${100 * this.split}%`;
    this.divider.setAttribute("aria-valuenow", Math.round(100 * this.split));
    this.draw();
  }

  draw() {
    if (this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    for (const [canvas, tile] of this.canvases) this.paint(canvas, tile);
    const canvas = find("canvas", this.wipe);
    const named = (side) => this.shownTiles.find((tile) => tile.name === this.part[side].value);
    this.paint(canvas, named("left"));
    this.paint(canvas, named("right"), Math.round(this.split * this.clip.grid.width));
    this.tell();
  }

  // A tile from column `from` on.
  paint(canvas, tile, from = 0) {
    const { columns, width, height, gutter } = this.clip.grid;
    if (from >= width) return;
    const left = (tile.place % columns) * (width + 2 * gutter) + gutter;
    const top = Math.floor(tile.place / columns) * (height + 2 * gutter) + gutter;
    const size = [width - from, height];
    canvas.getContext("2d").drawImage(this.video, left + from, top, ...size, from, 0, ...size);
  }

  tell() {
    const paused = this.video.paused;
    this.part.play.textContent = paused ? "▶" : "❚❚";
    this.part.play.setAttribute("aria-label", paused ? "Play" : "Pause");
    if (!paused) this.wanted = this.frame;
    if (document.activeElement !== this.part.frame || !paused) this.part.frame.value = this.frame;
    this.part.number.textContent = `frame ${this.frame} of ${this.clip.frames - 1}`;
    this.root.dataset.frame = this.frame;
  }
}

const players = new WeakMap(); // an opened clip's element -> its player

function opened(details) {
  if (details.open && !players.has(details)) {
    const clip = REPORT.clips.items.find((item) => item.name === details.dataset.item);
    const player = new Player(clip, asked(find('[data-kind="clips"]')).metric);
    players.set(details, player);
    details.append(player.root);
  } else if (!details.open) {
    players.get(details)?.video.pause();
  }
}

// A link to a record opens it.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.matches("details")) { target.open = true; target.scrollIntoView(); }
}

function prepare(form, order) {
  const scored = REPORT[form.dataset.kind].orders[0]?.values ?? {};
  form.method.replaceChildren(...REPORT.rows.filter((row) => row in scored).map((row) => element("option", { textContent: row })));
  if (REPORT.baseline in scored) form.method.value = REPORT.baseline;
  form.addEventListener("change", () => order(form));
  order(form);
}

document.getElementById("theme").addEventListener("click", changeTheme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => REPORT.charts.forEach(recolour));
findAll("table.sortable").forEach(makeSortable);
prepare(find('[data-kind="clips"]'), orderClips);
prepare(find('[data-kind="images"]'), (form) => orderImages(form));
findAll(".clip").forEach((details) => details.addEventListener("toggle", () => opened(details)));
addEventListener("hashchange", openTarget);
openTarget();
REPORT.charts.forEach(drawChart);
