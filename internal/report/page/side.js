// Maps side by side: below the main map a small one of each other space, with the same
// colours, filters and selection. createSide({ spaces, data, style, current, hover, hovered,
// select, show }) gets the spaces, data(k) = { visible, group, palette } of space k, how points
// look, the number of the main space, and what to do when a point is pointed at, a lasso is
// drawn, or a small map is to become the main one.
function createSide({ spaces, data, style, current, hover, hovered, select, show }) {
  const box = $("x-side"), panes = [];
  const side = { on: false, set, refresh, ring, panes };

  function geometry(pane) {
    const width = pane.canvas.clientWidth, height = pane.canvas.clientHeight;
    return { width, height, scale: 0.47 * Math.min(width, height), x: width / 2, y: height / 2 };
  }
  // each(pane) calls f(i, x, y) for the points that are shown and may be in a box.
  function each(pane) {
    const { scale, x: ox, y: oy } = geometry(pane), k = scale / 32767, { at, grid } = spaces[pane.k], visible = pane.cloud.visibleTo;
    return (x0, y0, x1, y1, f) => {
      const one = (i) => { if (visible[i]) f(i, ox + k * at[2 * i], oy - k * at[2 * i + 1]); };
      if (!grid) for (let i = 0; i < visible.length; i++) one(i);
      else inBox(grid, (x0 - ox) / k, (oy - y1) / k, (x1 - ox) / k, (oy - y0) / k, (first, last) => {
        for (let at = first; at < last; at++) one(grid.order[at]);
      });
    };
  }
  function nearest(pane, x, y, reach) {
    let best = -1, least = reach * reach;
    each(pane)(x - reach, y - reach, x + reach, y + reach, (i, px, py) => {
      const d = (px - x) ** 2 + (py - y) ** 2;
      if (d < least) [best, least] = [i, d];
    });
    return best;
  }

  function open(k) {
    const figure = element("figure", "small", ""), frame = element("div", "small-map", ""), button = element("button", "", spaces[k].title);
    const canvas = document.createElement("canvas"), ring = element("span", "ring", ""), lines = document.createElementNS($("x-lines").namespaceURI, "svg");
    lines.setAttribute("class", "lines");
    canvas.setAttribute("role", "img");
    button.type = "button";
    button.title = "Show this map large";
    button.addEventListener("click", () => show(k));
    frame.append(canvas, lines, ring);
    figure.append(frame, button);
    box.append(figure);
    const pane = { k, figure, canvas, ring, cloud: null, renderer: flatRenderer(canvas), dirty: true };
    const local = (event) => {
      const r = canvas.getBoundingClientRect();
      return { x: event.clientX - r.left, y: event.clientY - r.top };
    };
    let path = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      path = [local(event)];
    });
    canvas.addEventListener("pointermove", (event) => {
      const at = local(event);
      if (!path) return hover(nearest(pane, at.x, at.y, 12));
      path.push(at);
      const polygon = document.createElementNS(lines.namespaceURI, "polygon");
      polygon.setAttribute("class", "path");
      polygon.setAttribute("points", path.map((p) => `${p.x},${p.y}`).join(" "));
      lines.replaceChildren(polygon);
    });
    const end = (event) => {
      const drawn = path;
      path = null;
      lines.replaceChildren();
      if (!drawn || event.type !== "pointerup") return;
      if (drawn.length > 3) select(within(drawn, "lasso", each(pane)), event);
      else hover(nearest(pane, drawn[0].x, drawn[0].y, event.pointerType === "touch" ? 24 : 12));
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("pointerleave", () => { if (!path) hover(-1); });
    new ResizeObserver(() => { pane.dirty = true; draw(pane); }).observe(frame);
    return pane;
  }

  function draw(pane) {
    const g = geometry(pane);
    if (!side.on || pane.k === current() || !g.width || !g.height) return;
    const ratio = Math.min(2, devicePixelRatio || 1), w = Math.round(g.width * ratio), h = Math.round(g.height * ratio);
    if (pane.canvas.width !== w || pane.canvas.height !== h) [pane.canvas.width, pane.canvas.height] = [w, h];
    if (pane.dirty) {
      const { at, grid } = spaces[pane.k], { visible, group, palette } = data(pane.k);
      pane.cloud = { n: at.length / 2, from: at, to: at, visibleFrom: visible, visibleTo: visible, group, palette, grid };
      pane.renderer.upload(pane.cloud);
      pane.dirty = false;
    }
    pane.renderer.draw({ t: 1, scale: g.scale, x: g.x, y: g.y, ...style({ ...g, zoom: 1, ratio, grid: spaces[pane.k].grid }) }, g.width, g.height, ratio);
    pane.canvas.setAttribute("aria-label", `Map of the ${spaces[pane.k].name} space.`);
    place(pane);
  }
  // The ring goes where the point that is pointed at lies in each map.
  function place(pane) {
    const i = hovered(), { scale, x, y } = geometry(pane), { at } = spaces[pane.k];
    pane.ring.hidden = i < 0;
    if (i >= 0) pane.ring.style.transform = `translate(${x + scale / 32767 * at[2 * i]}px, ${y - scale / 32767 * at[2 * i + 1]}px)`;
  }
  function ring() { if (side.on) panes.forEach(place); }

  // refresh draws the maps anew: colours, filters or the selection have changed.
  function refresh() {
    for (const pane of panes) {
      pane.figure.hidden = pane.k === current();
      pane.dirty = true;
      draw(pane);
    }
  }
  function set(on) {
    side.on = on;
    box.hidden = !on;
    $("x-sides").setAttribute("aria-pressed", String(on));
    if (on && !panes.length) panes.push(...spaces.map((_, k) => open(k)));
    if (on) refresh();
  }
  return side;
}
