// The explorer: which points are shown, where they are, what they are coloured by, and
// what one of them is.
const explorer = $("x-meta") && (() => {
  const meta = JSON.parse($("x-meta").textContent), n = meta.n, folder = meta.folder;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const glideTime = 800; // ms
  const number = (v) => v.toLocaleString("en");
  const stage = $("x-stage"), canvas = $("x-canvas"), ring = $("x-ring"), tip = $("x-tip"), lines = $("x-lines");
  const state = { ready: null }; // what tests look at
  state.ready = load().then(begin, (error) => {
    $("x-failed").hidden = false;
    $("x-failed").textContent = `The data of the map cannot be read: ${error.message}. Keep the folder ${folder || "of the data"} beside this page.`;
  });
  return state;

  async function load() {
    const bytes = (id) => blocks.raw(id, folder);
    const floats = async (id) => new Float32Array((await bytes(id)).slice().buffer);
    const [labels, spaces, columns] = await Promise.all([
      meta.labels ? bytes("labels") : null,
      Promise.all(meta.spaces.map(async (s, k) => ({
        ...s, grid: null, at: new Int16Array((await bytes("map-" + k)).slice().buffer),
        predicted: s.predicted ? await bytes("predicted-" + k) : null,
      }))),
      Promise.all(meta.columns.map(async (c, k) => ({
        ...c, values: c.kind === "number" ? await floats("column-" + k) : c.kind === "category" ? await bytes("column-" + k) : await blocks.texts("column-" + k, folder),
      }))),
    ]);
    return { labels, spaces, columns };
  }

  function begin({ labels, spaces, columns }) {
    const classes = meta.classes, later = () => { drawTip(); refreshStrip(); };
    const pictures = meta.pictures && blocks.chunked("pictures", meta.pictures, folder, later);
    const neighbors = meta.neighbors && blocks.chunked("neighbors", meta.neighbors, folder, () => showPoint());
    $("x-root").hidden = false;

    // What points can be coloured by, the first at the start.
    const colourings = [];
    if (labels) colourings.push(byGroup("Label", classes, labels));
    for (const s of spaces) if (s.predicted) colourings.push(byGroup(`Predicted, ${s.name}`, classes, s.predicted));
    for (const c of columns) {
      if (c.kind === "number") colourings.push(byNumber(c.name, c.values));
      if (c.kind === "category") colourings.push(byGroup(c.name, c.names, c.values));
    }
    colourings.push({ ...plain(n), name: "Nothing" });
    for (const c of colourings) c.shown = new Array(c.groups.length).fill(true);

    let space = 0, colouring = colourings[0], wrongOnly = false, start = null, pending = false, hovered = -1, highlighted = -1, visible = n, t = 1;
    const renderer = createRenderer(canvas);
    const cloud = { n, from: spaces[0].at, to: spaces[0].at, visibleFrom: null, visibleTo: null, group: colouring.group, palette: colouring.palette, grid: null };

    const row = (i) => meta.stride ? i * meta.stride : i;
    const name = (i) => `${meta.row} ${number(row(i))}` + (labels ? `, ${classes[labels[i]]}` : "");
    const data = { labels, classes, spaces, row, name, hasPictures: !!pictures, colouring: () => colouring, drawPicture, goTo };
    const selection = createSelection(n, data, () => { filter(); address.note(); });
    const keys = {
      b: () => setTool("box"), l: () => setTool("lasso"), v: () => setTool("pan"),
      p: () => pointAt(nearest(view.width / 2, view.height / 2, Infinity)),
      a: () => selection.set(inView(), "set"), A: () => selection.set(inView(), "add"),
      Enter: () => { if (hovered >= 0) selection.toggle(hovered); },
      Escape: () => { selection.set([], "set"); hover(); say("Nothing selected."); },
      "/": () => $("x-search").focus(), e: exportCSV, s: savePNG,
      ShiftArrowLeft: () => step(-1, 0), ShiftArrowRight: () => step(1, 0), ShiftArrowUp: () => step(0, -1), ShiftArrowDown: () => step(0, 1),
    };
    const view = createView(stage, canvas, n > 100_000 ? 240 : 60, { redraw, hover, draw: drawPath, drawn, keys });

    const side = createSide({
      spaces, style, current: () => space, hovered: () => hovered, show: glideTo,
      data: (k) => ({ visible: visibility(k), group: colouring.group, palette: colouring.palette }),
      hover: (i) => { if (i !== hovered) { hovered = i; if (i >= 0) describe(i); showPoint(); } },
      select: (found, event) => selection.set(found, how(event)),
    });
    const how = (event) => event.altKey ? "remove" : event.shiftKey ? "add" : "set";

    for (const s of spaces) gridMaker(s.at).then((grid) => { s.grid = grid; if (spaces[space] === s) { cloud.grid = grid; redraw(); } });

    const isWrong = (i, s) => spaces[s].predicted !== null && labels !== null && spaces[s].predicted[i] !== labels[i];
    function visibility(s) {
      const out = new Uint8Array(n), { groups, group, shown } = colouring, some = selection.rows().length > 0;
      for (let i = 0; i < n; i++) {
        if ((groups.length && !shown[group[i]]) || (wrongOnly && !isWrong(i, s))) continue;
        const dim = (highlighted >= 0 && group[i] !== highlighted) || (some && !selection.has(i));
        out[i] = dim ? 36 : 255;
      }
      return out;
    }
    const mix = (a, b) => a + (b - a) * t;

    // Canvas place of point i, in CSS pixels.
    function position(i) {
      const [x0, y0] = view.toScreen(), k = view.scale() / 32767;
      return [x0 + k * mix(cloud.from[2 * i], cloud.to[2 * i]), y0 - k * mix(cloud.from[2 * i + 1], cloud.to[2 * i + 1])];
    }

    function redraw() {
      if (pending) return;
      pending = true;
      requestAnimationFrame(frame);
    }
    function frame(now) {
      pending = false;
      if (start !== null) {
        const part = Math.min(1, Math.max(0, (now - start) / glideTime));
        t = part < 0.5 ? 4 * part ** 3 : 1 - (2 - 2 * part) ** 3 / 2;
        if (part === 1) start = null;
        else redraw();
      }
      draw();
      if (hovered >= 0) showPoint();
    }
    // style is how points look on a canvas: their size and opacity, and the level of density.
    function style({ width, height, scale, zoom, ratio, grid }) {
      const room = Math.sqrt(width * height / n); // CSS pixels between points, were they even
      const size = Math.min(16, Math.min(9, Math.max(2, 0.62 * room)) * zoom ** 0.4);
      const alpha = Math.min(0.9, (wrongOnly ? 0.75 : 0.55) * zoom ** 0.2);
      // Points on a CSS pixel, where there are any.
      const filled = grid ? grid.filled / grid.side ** 2 : 0.4;
      const crowd = visible / (filled * 4 * scale * scale);
      return { size, alpha, level: n > 20_000 && crowd > 0.3 ? Math.max(4, 6 * crowd / ratio ** 2) : 0 };
    }
    function draw() {
      const { width, height, zoom } = view, scale = view.scale(), ratio = canvas.width / width;
      if (!width || !height) return; // not laid out
      const [x, y] = view.toScreen(), look = style({ width, height, scale, zoom, ratio, grid: cloud.grid });
      state.density = look.level > 0;
      renderer.draw({ t, scale, x, y, ...look }, width, height, ratio);
    }

    // each calls f(i, x, y) for the points that may be in a box of the canvas and are shown.
    function each(x0, y0, x1, y1, f) {
      const [ox, oy] = view.toScreen(), k = view.scale() / 32767, { to, visibleTo } = cloud;
      const one = (i) => { if (visibleTo[i]) f(i, ox + k * to[2 * i], oy - k * to[2 * i + 1]); };
      if (!cloud.grid) for (let i = 0; i < n; i++) one(i);
      else inBox(cloud.grid, (x0 - ox) / k, (oy - y1) / k, (x1 - ox) / k, (oy - y0) / k, (first, last) => {
        for (let at = first; at < last; at++) one(cloud.grid.order[at]);
      });
    }
    // The point nearest to (x, y) that is shown, within reach; -1 if there is none.
    function nearest(x, y, reach) {
      let best = -1, least = reach * reach;
      const r = Math.min(reach, 1e6);
      each(x - r, y - r, x + r, y + r, (i, px, py) => {
        const d = (px - x) ** 2 + (py - y) ** 2;
        if (d < least) [best, least] = [i, d];
      });
      return best;
    }
    function inView() {
      const found = [];
      each(0, 0, view.width, view.height, (i, x, y) => { if (x >= 0 && y >= 0 && x <= view.width && y <= view.height) found.push(i); });
      return found;
    }
    function hover(x, y, touch) {
      const i = x === undefined || t < 1 ? -1 : nearest(x, y, touch ? 24 : 12);
      const before = hovered;
      hovered = i;
      if (i >= 0 && i !== before) describe(i);
      showPoint();
    }
    // pointAt points at i by key, and says what it is.
    function pointAt(i) {
      if (i < 0) return say("There is no point here.");
      hovered = i;
      describe(i);
      const [x, y] = position(i);
      if (x < 0 || y < 0 || x > view.width || y > view.height) view.show(cloud.to[2 * i] / 32767, cloud.to[2 * i + 1] / 32767, view.zoom);
      showPoint();
      say([name(i), ...spaces.filter((s) => s.predicted).map((s) => `${s.name}: ${classes[s.predicted[i]]}`),
        ...columns.map((c) => `${c.name}: ${value(c, i)}`)].join("; ") + (selection.has(i) ? "; selected" : ""));
    }
    function goTo(i) {
      view.show(cloud.to[2 * i] / 32767, cloud.to[2 * i + 1] / 32767, Math.max(view.zoom, 4));
      pointAt(i);
    }
    // step points at the nearest point to the right, left, above or below.
    function step(dx, dy) {
      if (hovered < 0) return keys.p();
      const [x, y] = position(hovered);
      let best = -1, least = Infinity;
      each(-1e6, -1e6, 1e6, 1e6, (i, px, py) => {
        const along = (px - x) * dx + (py - y) * dy, across = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
        const d = along * along + across * across;
        if (along > 0.5 && across <= along && d < least) [best, least] = [i, d];
      });
      pointAt(best < 0 ? hovered : best);
    }

    // showPoint moves ring, tooltip and the lines to the point's neighbours, or hides them.
    function showPoint() {
      ring.hidden = tip.hidden = hovered < 0;
      side.ring();
      const near = hovered >= 0 && neighbors && neighbors.row(hovered);
      if (!drawing) lines.replaceChildren(...(near ? neighborLines(near) : []));
      if (hovered < 0) return;
      const [x, y] = position(hovered);
      ring.style.transform = `translate(${x}px, ${y}px)`;
      moveTip(tip, x, y);
    }
    const svg = (tag, attributes) => {
      const node = document.createElementNS(lines.namespaceURI, tag);
      for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
      return node;
    };
    function neighborLines([bytes, at]) {
      const view32 = new DataView(bytes.buffer), [x, y] = position(hovered), out = [];
      for (let k = 0; k < meta.neighbors.k; k++) {
        const j = view32.getInt32(at + 4 * k, true), [u, v] = position(j);
        out.push(svg("line", { x1: x, y1: y, x2: u, y2: v, "stroke-opacity": 1 - 0.6 * k / meta.neighbors.k }));
        out.push(svg("circle", { cx: u, cy: v, r: 4 }));
      }
      return out;
    }
    let drawing = false;
    function drawPath(path, tool) {
      drawing = true;
      const a = path[0], b = path[path.length - 1];
      lines.replaceChildren(tool === "box"
        ? svg("rect", { class: "path", x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) })
        : svg("polygon", { class: "path", points: path.map((p) => `${p.x},${p.y}`).join(" ") }));
    }
    function drawn(path, tool, event) {
      drawing = false;
      lines.replaceChildren();
      if (path) selection.set(within(path, tool, each), how(event));
    }

    const value = (c, i) => c.kind === "number" ? short(c.values[i]) : c.kind === "category" ? c.names[c.values[i]] : c.values[i];
    function describe(i) {
      $("x-label").textContent = labels ? classes[labels[i]] : colouring.groups[colouring.group[i]] ?? `${meta.row} ${number(row(i))}`;
      $("x-swatch").style.background = css(colouring.palette[colouring.group[i]]);
      $("x-number").textContent = `${meta.row} ${number(row(i))}`;
      const rows = spaces.flatMap((s, k) => {
        if (!s.predicted) return [];
        const line = document.createElement("tr"), right = !isWrong(i, k);
        line.className = (labels ? (right ? "right" : "wrong") : "") + (k === space ? " now" : "");
        line.append(element("th", "", s.title), element("td", "", (labels ? (right ? "✓ " : "✗ ") : "") + classes[s.predicted[i]]));
        return [line];
      });
      for (const c of columns.slice(0, 12)) {
        const line = document.createElement("tr");
        line.append(element("th", "", c.name), element("td", "", value(c, i)));
        rows.push(line);
      }
      $("x-values").replaceChildren(...rows);
      drawTip();
    }
    function drawTip() {
      $("x-digit").hidden = !pictures || hovered < 0 && tip.hidden;
      if (pictures && hovered >= 0) $("x-digit").hidden = !drawPicture($("x-digit"), hovered);
    }
    // drawPicture draws picture i and tells whether it is there.
    function drawPicture(target, i) {
      const p = meta.pictures, at = pictures.row(i);
      [target.width, target.height] = [p.w, p.h];
      if (!at) return false;
      const pen = target.getContext("2d", { willReadFrequently: true }), image = pen.createImageData(p.w, p.h), top = 2 ** p.bits - 1;
      for (let k = 0; k < p.w * p.h; k++) {
        for (let c = 0; c < 3; c++) image.data[4 * k + c] = at[0][at[1] + k * p.c + (p.c === 3 ? c : 0)] * 255 / top;
        image.data[4 * k + 3] = 255;
      }
      pen.putImageData(image, 0, 0);
      return true;
    }
    function refreshStrip() {
      for (const button of $("x-strip").children) drawPicture(button.firstChild, +button.dataset.row);
    }

    const spaceButtons = [...document.querySelectorAll(".x-space")];
    // legend shows the groups of the colouring, or its colour bar.
    function legend() {
      const { groups, palette, ramp } = colouring;
      $("x-chips").hidden = $("x-allnone").hidden = groups.length === 0;
      $("x-ramp").hidden = !ramp;
      $("x-chips").replaceChildren(...groups.map((name, c) => {
        const chip = element("button", "chip", ""), swatch = element("span", "swatch", "");
        chip.type = "button";
        swatch.style.background = css(palette[c]);
        chip.append(swatch, element("span", "name", name), element("span", "n", ""));
        chip.addEventListener("click", () => { colouring.shown[c] = !colouring.shown[c]; filter(); address.note(); });
        const light = (on) => { if (highlighted !== on) { highlighted = on; upload(); } };
        chip.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") light(c); });
        chip.addEventListener("pointerleave", () => light(-1));
        return chip;
      }));
      if (ramp) {
        const stops = viridis.map(css).join(", ");
        $("x-bar").style.background = `linear-gradient(to right, ${stops})`;
        $("x-lo").textContent = short(ramp.lo);
        $("x-hi").textContent = short(ramp.hi);
        $("x-missing").hidden = !colouring.group.includes(missing);
      }
    }
    // Brings buttons, counts and texts in line with the state.
    function describeState() {
      const { groups, group, shown } = colouring, perGroup = new Array(Math.max(1, groups.length)).fill(0);
      let wrong = 0;
      for (let i = 0; i < n; i++) {
        if (isWrong(i, space)) wrong++;
        else if (wrongOnly) continue;
        perGroup[groups.length ? group[i] : 0]++;
      }
      [...$("x-chips").children].forEach((chip, c) => {
        chip.setAttribute("aria-pressed", String(shown[c]));
        chip.querySelector(".n").textContent = number(perGroup[c]);
      });
      spaceButtons.forEach((button, s) => button.setAttribute("aria-pressed", String(s === space)));
      $("x-wrong").setAttribute("aria-pressed", String(wrongOnly));
      visible = perGroup.reduce((sum, v, c) => sum + (!groups.length || shown[c] ? v : 0), 0);
      const { name, kl, predicted } = spaces[space];
      $("x-status").textContent = `${number(visible)} of ${number(n)} points shown.` +
        (predicted && labels ? ` In the ${name} space ${number(wrong)} are misclassified (${(100 * wrong / n).toFixed(2)} %).` : "") +
        (kl === null ? "" : ` KL divergence ${kl.toFixed(3)}.`);
      canvas.setAttribute("aria-label", `Map of ${number(visible)} points in the ${name} space` +
        `${wrongOnly ? ", misclassified ones only" : ""}${groups.length || colouring.ramp ? `, coloured by ${colouring.name}` : ""}.`);
    }
    function upload() {
      cloud.visibleFrom = cloud.visibleTo = visibility(space);
      [cloud.group, cloud.palette] = [colouring.group, colouring.palette];
      renderer.upload(cloud);
      redraw();
      side.refresh();
    }
    function filter() {
      if (start !== null) [start, t, cloud.from] = [null, 1, cloud.to];
      hover();
      describeState();
      upload();
    }
    function glideTo(s) {
      if (s === space) return;
      // Whatever is on its way goes on from where it is.
      cloud.from = cloud.from.map((v, j) => Math.round(mix(v, cloud.to[j])));
      cloud.visibleFrom = cloud.visibleFrom.map((v, i) => Math.round(mix(v, cloud.visibleTo[i])));
      space = s;
      [cloud.to, cloud.grid, cloud.visibleTo] = [spaces[s].at, spaces[s].grid, visibility(s)];
      t = still.matches ? 1 : 0;
      start = still.matches ? null : performance.now();
      hover();
      renderer.upload(cloud);
      describeState();
      redraw();
      side.refresh();
      address.note();
    }
    function colourBy(k) {
      colouring = colourings[k];
      highlighted = -1;
      $("x-colour").value = String(k);
      legend();
      filter();
      selection.refresh();
      address.note();
    }
    function setTool(tool) {
      view.tool = tool;
      stage.classList.toggle("selecting", tool !== "pan");
      for (const button of document.querySelectorAll(".x-tool")) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    }

    function exportCSV() {
      if (selection.rows().length) save(new Blob([selection.csv()], { type: "text/csv" }), "selection.csv");
    }
    // savePNG saves what the map shows, with its legend.
    function savePNG() {
      const ratio = canvas.width / view.width, { groups, palette, ramp, shown } = colouring;
      const names = groups.map((g, c) => [g, palette[c]]).filter((_, c) => shown[c]).slice(0, 40);
      const side = names.length || ramp ? 190 * ratio : 0;
      const out = Object.assign(document.createElement("canvas"), { width: canvas.width + side, height: canvas.height });
      const pen = out.getContext("2d"), style = getComputedStyle(stage);
      pen.fillStyle = style.backgroundColor;
      pen.fillRect(0, 0, out.width, out.height);
      draw(); // a WebGL canvas can be read right after
      pen.drawImage(canvas, 0, 0);
      pen.scale(ratio, ratio);
      pen.font = `13px ${style.fontFamily}`;
      const x = view.width + 12, ink = getComputedStyle(document.body).color;
      if (ramp) {
        viridis.forEach((tint, k) => { pen.fillStyle = css(tint); pen.fillRect(x, 150 - 14 * k, 14, 14); });
        pen.fillStyle = ink;
        pen.fillText(colouring.name, x, 24, 165);
        pen.fillText(short(ramp.hi), x + 20, 50, 145);
        pen.fillText(short(ramp.lo), x + 20, 162, 145);
      }
      names.forEach(([text, tint], k) => {
        const y = 24 + 20 * k;
        pen.fillStyle = css(tint);
        pen.beginPath();
        pen.arc(x + 6, y - 4, 6, 0, 7);
        pen.fill();
        pen.fillStyle = ink;
        pen.fillText(text.slice(0, 200), x + 20, y, 145);
      });
      return new Promise((done) => out.toBlob((blob) => { save(blob, "map.png"); done(blob.size); }));
    }

    const address = createAddress({
      read: () => ({
        space: space ? spaces[space].name : "", colour: colouring === colourings[0] ? "" : colouring.name, wrong: wrongOnly ? "1" : "",
        side: side.on === meta.side ? "" : side.on ? "1" : "0", hide: ranges(colouring.shown.flatMap((on, c) => on ? [] : [c])),
        at: view.zoom === 1 ? "" : [view.x, view.y, view.zoom].map((v) => +v.toFixed(4)).join(","),
        rows: selection.rows().length <= 2000 ? ranges(selection.rows()) : "",
      }),
      apply(to) {
        const s = spaces.findIndex((v) => v.name === to.space), k = colourings.findIndex((v) => v.name === to.colour);
        side.set(to.side ? to.side === "1" : meta.side);
        wrongOnly = to.wrong === "1" && !$("x-wrong").hidden;
        colouring = colourings[Math.max(0, k)];
        colouring.shown.fill(true);
        for (const c of parseRanges(to.hide ?? "", colouring.shown.length)) colouring.shown[c] = false;
        [space, start, t] = [Math.max(0, s), null, 1];
        [cloud.from, cloud.to, cloud.grid] = [spaces[space].at, spaces[space].at, spaces[space].grid];
        $("x-colour").value = String(colourings.indexOf(colouring));
        legend();
        const [x, y, zoom] = (to.at ?? "").split(",").map(Number);
        if (zoom >= 1) view.show(x, y, zoom);
        else view.fit();
        selection.set(parseRanges(to.rows ?? "", n), "set");
      },
    });

    colourings.forEach((c, k) => $("x-colour").append(Object.assign(element("option", "", c.name), { value: String(k) })));
    $("x-colourby").hidden = colourings.length === 1;
    $("x-colour").addEventListener("change", (event) => colourBy(+event.target.value));
    $("x-wrong").hidden = !labels || !spaces.some((s) => s.predicted);
    const all = (on) => { colouring.shown.fill(on); filter(); address.note(); };
    $("x-all").addEventListener("click", () => all(true));
    $("x-none").addEventListener("click", () => all(false));
    $("x-wrong").addEventListener("click", () => { wrongOnly = !wrongOnly; filter(); address.note(); });
    spaceButtons.forEach((button, s) => button.addEventListener("click", () => glideTo(s)));
    $("x-sides").addEventListener("click", () => { side.set(!side.on); address.note(); });
    for (const button of document.querySelectorAll(".x-tool")) button.addEventListener("click", () => setTool(button.dataset.tool));
    $("x-in").addEventListener("click", () => view.zoomBy(1.6));
    $("x-out").addEventListener("click", () => view.zoomBy(1 / 1.6));
    $("x-fit").addEventListener("click", view.fit);
    $("x-png").addEventListener("click", savePNG);
    $("x-export").addEventListener("click", exportCSV);
    $("x-clear").addEventListener("click", keys.Escape);
    createSearch({ ...data, n, columns, colourings, select: (found) => selection.set(found, "set"), goTo });
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => { renderer.restore(); renderer.upload(cloud); redraw(); });
    for (const event of ["pointerup", "wheel", "keyup"]) stage.addEventListener(event, address.note, { passive: true });
    theme.onChange(() => { redraw(); side.refresh(); });
    addEventListener("beforeprint", () => { hover(); view.resize(); draw(); });

    Object.assign(state, { renderer: renderer.kind, position, point: () => hovered, gliding: () => t < 1, draw, nearest, hover, view, selection, each, savePNG, side, hasGrid: () => !!cloud.grid });
    legend();
    setTool("pan");
    filter();
    side.set(meta.side);
    const first = pictures && pictures.load(0); // on its way before it is asked for
    address.open();
    requestAnimationFrame(() => { state.opened = performance.now(); }); // the first frame is drawn
    return first;
  }
})();
