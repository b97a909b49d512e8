"use strict";
// Points are painted into a buffer of pixels, stamp by stamp: that is fast without a graphics card, which
// drawing calls of a canvas are not.
for (const section of document.querySelectorAll("section.map")) {
  const data = JSON.parse(section.querySelector("script[type='application/json']").textContent);
  const find = (name) => section.querySelector("[data-part='" + name + "']");
  const stage = find("stage"), plot = find("plot"), over = find("over"), tip = find("tip");
  const search = find("search"), said = find("said");
  const pen = plot.getContext("2d", {alpha: false}), ink = over.getContext("2d");
  const count = data.ids.length;
  const xy = new Uint16Array(Uint8Array.from(atob(data.xy), (c) => c.charCodeAt(0)).buffer);
  const low = data.texts.map((text, at) => (text + "\n" + data.ids[at]).toLowerCase().replaceAll("ё", "е"));
  const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6b4c9a", "#404040"];
  const NONE = "#b9bdc4", CHOSEN = "#111111";
  // Cividis (Nuñez, Anderton and Renslow, 2018) reads the same with and without colour blindness;
  // its last yellow is left out, which white swallows.
  const SCALE = ["#00224e", "#2a3f6d", "#575d6d", "#7d7c78", "#a59c74", "#d2c060"];

  let column = null, shown = new Set(), found = null, chosen = new Set(), here = -1, lassoing = false;
  let wide = 0, high = 0, dots = 1, view = {k: 1, x: 0, y: 0}, home = 1, pixels = null, words = null, waits = false;
  const paint = new Uint32Array(count), shape = new Uint8Array(count), order = new Uint32Array(count);

  const make = (tag, text, attributes = {}) => {
    const node = document.createElement(tag);
    node.textContent = text;
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const packed = (colour) => {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return (255 << 24 | b << 16 | g << 8 | r) >>> 0;
  };
  const groupsOf = (one, at) => { const own = one.groups[at]; return Array.isArray(own) ? own : own < 0 ? [] : [own]; };

  // ---- colours and legend
  const shareOf = (one, value) => Math.min(1, Math.max(0, (value - one.low) / (one.high - one.low || 1)));
  const shade = (share) => {
    const at = share * (SCALE.length - 1), left = Math.min(Math.floor(at), SCALE.length - 2), part = at - left;
    const mix = (from) => Math.round(parseInt(SCALE[left].slice(from, from + 2), 16) * (1 - part)
      + parseInt(SCALE[left + 1].slice(from, from + 2), 16) * part).toString(16).padStart(2, "0");
    return "#" + mix(1) + mix(3) + mix(5);
  };
  const grey = packed(NONE), shades = Array.from({length: 64}, (_, at) => packed(shade(at / 63)));
  const colourOf = (level) => COLOURS[level % COLOURS.length];
  const shapeOf = (level) => Math.floor(level / COLOURS.length) % 4;
  const packedLevels = COLOURS.map(packed);

  const dimmed = (at) => {
    if (found && !found.has(at)) return true;
    return shown.size > 0 && !groupsOf(column, at).some((level) => shown.has(level))
      && !(shown.has(-1) && groupsOf(column, at).length === 0);
  };
  const repaint = () => {
    let behind = 0, before = count;
    for (let at = 0; at < count; at++) {
      let colour = grey, form = 0;
      if (column && column.groups) {
        const own = groupsOf(column, at), level = own.find((one) => shown.has(one)) ?? own[0] ?? -1;
        if (level >= 0) { colour = packedLevels[level % COLOURS.length]; form = shapeOf(level); }
      } else if (column && column.values[at] !== null) {
        colour = shades[Math.round(63 * shareOf(column, column.values[at]))];
      }
      const faint = dimmed(at);
      paint[at] = faint ? 0 : colour;
      shape[at] = form;
      if (faint || colour === grey) order[behind++] = at; else order[--before] = at;
    }
    order.subarray(before).reverse();
    draw();
  };
  const swatch = (level) => {
    const forms = ["M6 1.5a4.5 4.5 0 1 0 .01 0z", "M2 2h8v8H2z", "M6 1l5 9H1z", "M6 .5L11.5 6 6 11.5.5 6z"];
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 12 12"); svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", forms[level < 0 ? 0 : shapeOf(level)]);
    path.setAttribute("fill", level < 0 ? NONE : colourOf(level));
    svg.append(path);
    return svg;
  };
  const legend = () => {
    const list = find("legend");
    list.replaceChildren();
    if (!column) return;
    if (!column.groups) {
      const bar = make("span", "", {class: "map-scale", style: "background: linear-gradient(90deg, " + SCALE.join(", ") + ")"});
      const unknown = column.values.reduce((sum, value) => sum + (value === null), 0);
      list.append(make("span", column.from), bar, make("span", column.to));
      if (unknown) { const rest = make("span", "unknown " + unknown.toLocaleString("en"), {class: "map-rest"}); rest.prepend(swatch(-1)); list.append(rest); }
      return;
    }
    const sizes = new Array(column.levels.length + 1).fill(0);
    for (let at = 0; at < count; at++) {
      const own = groupsOf(column, at);
      for (const level of own) sizes[level + 1]++;
      if (!own.length) sizes[0]++;
    }
    const levels = [...column.levels.keys(), ...(sizes[0] ? [-1] : [])];
    for (const level of levels) {
      const name = level < 0 ? column.nothing : column.levels[level];
      const button = make("button", "", {type: "button", "aria-pressed": "false"});
      button.append(swatch(level), make("span", name), make("small", sizes[level + 1].toLocaleString("en")));
      button.addEventListener("click", () => {
        shown.has(level) ? shown.delete(level) : shown.add(level);
        button.setAttribute("aria-pressed", String(shown.has(level)));
        repaint();
      });
      list.append(button);
    }
  };

  // ---- drawing
  const stamps = new Map();
  const inside = [(x, y) => x * x + y * y <= 1, (x, y) => Math.max(Math.abs(x), Math.abs(y)) <= 0.87,
    (x, y) => y <= 0.75 && Math.abs(x) * 1.75 <= y + 1, (x, y) => Math.abs(x) + Math.abs(y) <= 1.15];
  const stamp = (form, radius) => {
    const key = form + ":" + radius;
    if (!stamps.has(key)) {
      const side = 2 * Math.ceil(radius * 1.15) + 1, middle = (side - 1) / 2, cells = [];
      for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) {
        let hits = 0;
        for (let part = 0; part < 16; part++)
          hits += inside[form]((x - middle + (part % 4) / 4 - 0.375) / radius, (y - middle + (part >> 2) / 4 - 0.375) / radius);
        if (hits) cells.push(x - middle, y - middle, hits * 16);
      }
      stamps.set(key, {cells: Int16Array.from(cells), reach: middle});
    }
    return stamps.get(key);
  };
  const size = () => {
    const base = count > 40000 ? 1.5 : count > 8000 ? 2.1 : count > 1500 ? 2.8 : 4;
    return Math.round(4 * dots * Math.min(base * Math.pow(view.k / home, 0.35), 7)) / 4;
  };
  const press = ({cells, reach}, x, y, colour, strength) => {
    if (x < reach || y < reach || x >= wide - reach || y >= high - reach) return;
    const red = colour & 255, green = colour >> 8 & 255, blue = colour >> 16 & 255, from = y * wide + x;
    for (let at = 0; at < cells.length; at += 3) {
      const place = from + cells[at + 1] * wide + cells[at], share = cells[at + 2] * strength >> 8, old = words[place];
      const rest = 256 - share;
      words[place] = 0xff000000 | (((old >> 16 & 255) * rest + blue * share) >> 8) << 16
        | (((old >> 8 & 255) * rest + green * share) >> 8) << 8 | ((old & 255) * rest + red * share) >> 8;
    }
  };
  const paintAll = () => {
    waits = false;
    if (!pixels) return;
    words.fill(0xffffffff);
    const radius = size(), forms = [0, 1, 2, 3].map((form) => stamp(form, radius)), small = stamp(0, Math.max(dots, Math.round(3 * radius) / 4));
    const strength = count > 20000 ? 190 : 225;
    for (let pass = 0; pass < count; pass++) {
      const at = order[pass], x = xy[2 * at] * view.k + view.x, y = xy[2 * at + 1] * view.k + view.y;
      if (x < 0 || y < 0 || x >= wide || y >= high) continue;
      if (!paint[at]) press(small, x | 0, y | 0, grey, 90);
      else if (paint[at] === grey) press(small, x | 0, y | 0, grey, strength);
      else press(forms[shape[at]], x | 0, y | 0, paint[at], strength);
    }
    pen.putImageData(pixels, 0, 0);
    label();
    mark();
  };
  const draw = () => { if (!waits) { waits = true; requestAnimationFrame(paintAll); } };
  const label = () => {
    if (!find("labels").checked) return;
    const taken = [];
    pen.font = "600 " + 12.5 * dots + "px " + getComputedStyle(stage).fontFamily;
    pen.textAlign = "center"; pen.textBaseline = "middle"; pen.lineJoin = "round";
    for (const one of data.labels) {
      const x = one.x * view.k + view.x, y = one.y * view.k + view.y, half = pen.measureText(one.title).width / 2 + 4, tall = 9 * dots;
      if (x < half || y < tall || x > wide - half || y > high - tall) continue;
      if (taken.some((box) => Math.abs(box.x - x) < box.half + half && Math.abs(box.y - y) < 2 * tall)) continue;
      taken.push({x, y, half});
      pen.lineWidth = 4 * dots; pen.strokeStyle = "rgb(255 255 255 / 0.9)"; pen.fillStyle = "#1f2328";
      pen.strokeText(one.title, x, y); pen.fillText(one.title, x, y);
    }
  };
  let trail = [];
  const mark = () => {
    ink.clearRect(0, 0, wide, high);
    const ring = (at, radius) => {
      ink.beginPath();
      ink.arc(xy[2 * at] * view.k + view.x, xy[2 * at + 1] * view.k + view.y, radius, 0, 7);
      ink.stroke();
    };
    ink.strokeStyle = CHOSEN; ink.lineWidth = dots;
    if (chosen.size > 300) ink.strokeStyle = "rgb(17 17 17 / 0.35)";
    for (const at of chosen) ring(at, size() + dots);
    ink.strokeStyle = CHOSEN;
    if (here >= 0) { ink.lineWidth = 2.5 * dots; ring(here, size() + 3 * dots); }
    if (trail.length > 1) {
      ink.beginPath(); trail.forEach(([x, y]) => ink.lineTo(x, y)); ink.closePath();
      ink.fillStyle = "rgb(0 114 178 / 0.12)"; ink.fill(); ink.strokeStyle = "#0072b2"; ink.lineWidth = 1.5 * dots; ink.stroke();
    }
  };
  const whole = () => {
    const {left, top, right, bottom} = data.box;
    home = 0.94 * Math.min(wide / Math.max(1, right - left), high / Math.max(1, bottom - top));
    view = {k: home, x: (wide - (left + right) * home) / 2, y: (high - (top + bottom) * home) / 2};
    draw();
  };
  const resize = () => {
    const fresh = !pixels, box = stage.getBoundingClientRect();
    dots = Math.min(2, devicePixelRatio || 1);
    const width = Math.max(50, Math.round(box.width * dots)), height = Math.max(50, Math.round(box.height * dots));
    if (width === wide && height === high) return;
    view.x += (width - wide) / 2; view.y += (height - high) / 2;
    [wide, high] = [width, height];
    for (const canvas of [plot, over]) { canvas.width = wide; canvas.height = high; }
    pixels = pen.createImageData(wide, high); words = new Uint32Array(pixels.data.buffer);
    fresh ? whole() : draw();
  };
  const zoom = (by, x = wide / 2, y = high / 2) => {
    const k = Math.min(home * 400, Math.max(home * 0.5, view.k * by)), real = k / view.k;
    view = {k, x: x - (x - view.x) * real, y: y - (y - view.y) * real};
    draw();
  };

  // ---- what a point says
  const factsOf = (at) => data.columns.map((one) => {
    if (one.groups) return [one.name, groupsOf(one, at).map((level) => one.levels[level]).join(", ")];
    const value = one.values[at];
    return [one.name, value === null ? "" : one.kind === "time" ? new Date(value * 1000).toISOString().slice(0, 16).replace("T", " ") : String(value)];
  }).filter(([, value]) => value);
  const show = (at, x, y) => {
    here = at;
    tip.hidden = at < 0;
    if (at >= 0) {
      const facts = factsOf(at).map(([name, value]) => name + ": " + value).join(" · ");
      tip.replaceChildren(make("p", data.texts[at]), make("p", facts, {class: "map-facts"}), make("p", data.ids[at], {class: "map-id"}));
      const box = stage.getBoundingClientRect(), left = x / dots, top = y / dots;
      tip.style.left = Math.max(4, Math.min(left + 14, box.width - tip.offsetWidth - 4)) + "px";
      tip.style.top = (top + 18 + tip.offsetHeight > box.height ? Math.max(4, top - tip.offsetHeight - 12) : top + 14) + "px";
    }
    mark();
  };
  const showAt = (at) => show(at, xy[2 * at] * view.k + view.x, xy[2 * at + 1] * view.k + view.y);
  const nearest = (x, y) => {
    let best = -1, least = Math.pow(size() + 8 * dots, 2);
    for (let pass = count - 1; pass >= 0; pass--) {
      const at = order[pass], dx = xy[2 * at] * view.k + view.x - x, dy = xy[2 * at + 1] * view.k + view.y - y, far = dx * dx + dy * dy;
      if (far < least && paint[at]) { best = at; least = far; }
    }
    return best;
  };

  // ---- selection
  const within = (path, x, y) => {
    let odd = false;
    for (let at = 0, last = path.length - 1; at < path.length; last = at++) {
      const [x1, y1] = path[at], [x2, y2] = path[last];
      if (y1 > y !== y2 > y && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1) odd = !odd;
    }
    return odd;
  };
  const barred = new Set(data.unselectable);
  const selectable = (at) => paint[at] && !barred.has(at);
  const idsOf = () => [...chosen].sort((one, other) => one - other).map((at) => data.ids[at]);
  const tell = () => {
    find("chosen").hidden = !chosen.size;
    const many = chosen.size.toLocaleString("en") + (chosen.size === 1 ? " text" : " texts");
    find("many").textContent = many + " selected";
    said.textContent = chosen.size ? many + " selected" : found ? found.size.toLocaleString("en") + " found" : "";
    find("take").hidden = !found || !found.size;
    find("list").replaceChildren(...[...chosen].slice(0, 12).map((at) => make("li", data.texts[at])));
    mark();
  };
  const choose = (rows, more) => { if (!more) chosen.clear(); for (const at of rows) chosen.add(at); tell(); };
  const close = (more) => {
    const rows = [];
    for (let at = 0; at < count; at++)
      if (selectable(at) && within(trail, xy[2 * at] * view.k + view.x, xy[2 * at + 1] * view.k + view.y)) rows.push(at);
    trail = [];
    choose(rows, more);
  };
  const look = () => {
    const asked = search.value.trim().toLowerCase().replaceAll("ё", "е");
    found = null;
    if (asked) { found = new Set(); low.forEach((text, at) => { if (text.includes(asked)) found.add(at); }); }
    repaint(); tell();
  };
  const lasso = (on) => { lassoing = on; find("lasso").setAttribute("aria-pressed", String(on)); stage.classList.toggle("map-lassoing", on); };

  // ---- hands
  const at = (event) => { const box = stage.getBoundingClientRect(); return [(event.clientX - box.left) * dots, (event.clientY - box.top) * dots]; };
  let held = null;
  over.addEventListener("pointerdown", (event) => {
    over.setPointerCapture(event.pointerId);
    const [x, y] = at(event);
    held = {x, y, moved: false, drawing: lassoing || event.shiftKey};
    if (held.drawing) trail = [[x, y]];
  });
  over.addEventListener("pointermove", (event) => {
    const [x, y] = at(event);
    if (!held) { show(nearest(x, y), x, y); return; }
    held.moved ||= Math.hypot(x - held.x, y - held.y) > 3 * dots;
    if (held.drawing) { trail.push([x, y]); mark(); return; }
    if (!held.moved) return;
    tip.hidden = true; here = -1;
    view.x += x - held.x; view.y += y - held.y; held.x = x; held.y = y;
    draw();
  });
  over.addEventListener("pointerup", (event) => {
    const one = held; held = null;
    if (!one) return;
    if (one.drawing && trail.length > 2) close(event.ctrlKey || event.metaKey);
    else if (!one.moved) { const point = nearest(...at(event)); if (point >= 0) choose([point], true); }
    trail = []; mark();
  });
  over.addEventListener("pointercancel", () => { held = null; trail = []; mark(); });
  over.addEventListener("pointerleave", () => { if (!held) show(-1); });
  // The wheel scrolls the page until the map was clicked or reached by Tab.
  over.addEventListener("wheel", (event) => {
    if (document.activeElement !== over && !event.ctrlKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), ...at(event));
  }, {passive: false});
  const step = (by) => {
    const rows = [...(chosen.size ? chosen : found ?? order)].filter((one) => paint[one]).sort((a, b) => a - b);
    if (!rows.length) return;
    const place = rows.indexOf(here), next = rows[(place + by + rows.length) % rows.length];
    const x = xy[2 * next] * view.k + view.x, y = xy[2 * next + 1] * view.k + view.y;
    if (x < 0 || y < 0 || x > wide || y > high) { view.x += wide / 2 - x; view.y += high / 2 - y; draw(); }
    showAt(next);
    said.textContent = data.texts[next];
  };
  const keys = {
    ArrowLeft: () => { view.x += wide / 10; draw(); }, ArrowRight: () => { view.x -= wide / 10; draw(); },
    ArrowUp: () => { view.y += high / 10; draw(); }, ArrowDown: () => { view.y -= high / 10; draw(); },
    "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), 0: whole, l: () => lasso(!lassoing),
    n: () => step(1), p: () => step(-1), Escape: () => { trail = []; held = null; choose([], false); show(-1); },
    Enter: () => { if (here >= 0 && selectable(here)) { chosen.has(here) ? chosen.delete(here) : chosen.add(here); tell(); } },
  };
  over.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  // ---- controls
  for (const [place, one] of data.columns.entries()) find("column").append(make("option", one.name, {value: place}));
  find("column").addEventListener("change", (event) => { column = data.columns[event.target.value] ?? null; shown.clear(); legend(); repaint(); });
  find("colours").hidden = !data.columns.length;
  find("labelled").hidden = !data.labels.length;
  find("labels").addEventListener("change", draw);
  search.addEventListener("input", look);
  find("in").addEventListener("click", () => zoom(1.5));
  find("out").addEventListener("click", () => zoom(1 / 1.5));
  find("whole").addEventListener("click", whole);
  find("lasso").addEventListener("click", () => lasso(!lassoing));
  find("take").addEventListener("click", () => choose([...found].filter(selectable), false));
  find("clear").addEventListener("click", () => choose([], false));
  find("save").addEventListener("click", () => {
    const link = make("a", "", {download: "ids.txt", href: URL.createObjectURL(new Blob([idsOf().join("\n") + "\n"], {type: "text/plain"}))});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  find("copy").addEventListener("click", async () => {
    try { await navigator.clipboard.writeText(idsOf().join("\n")); said.textContent = "Copied"; }
    catch { said.textContent = "The browser does not allow copying: save the file"; }
  });
  section.dataset.ready = "yes";
  column = data.columns[0] ?? null;
  legend(); repaint();
  new ResizeObserver(resize).observe(stage);
  resize();
}
