// A view onto the square [-1, 1]^2 of the points: pan and zoom by pointer, wheel,
// pinch, keys. createView(stage, canvas, maxZoom, { redraw, hover, draw, drawn, keys }) calls
// redraw() when the view has changed; hover(x, y, touch) or hover() when the pointer points
// at a place, or no longer does; and, where view.tool is "box" or "lasso" or Shift is held,
// draw(path, tool) while the pointer draws, and drawn(path, tool, event) at the end: with
// null where nothing was drawn. keys are further keys and what they do.
function createView(stage, canvas, maxZoom, { redraw, hover, draw, drawn, keys: more }) {
  const view = { width: 1, height: 1, zoom: 1, x: 0, y: 0, tool: "pan", scale, toScreen, zoomBy, pan, fit, show, resize };

  // CSS pixels per unit.
  function scale() { return 0.47 * Math.min(view.width, view.height) * view.zoom; }
  // Place of the origin on the canvas.
  function toScreen() { return [view.width / 2 - view.x * scale(), view.height / 2 + view.y * scale()]; }

  function change() {
    const reach = 1 - 1 / view.zoom + 0.5;
    view.x = Math.min(reach, Math.max(-reach, view.x));
    view.y = Math.min(reach, Math.max(-reach, view.y));
    redraw();
  }
  // Zooms by factor and keeps the data under (px, py) where it is.
  function zoomBy(factor, px = view.width / 2, py = view.height / 2) {
    const before = scale();
    view.zoom = Math.min(maxZoom, Math.max(1, view.zoom * factor));
    const gain = 1 / before - 1 / scale();
    view.x += (px - view.width / 2) * gain;
    view.y -= (py - view.height / 2) * gain;
    if (view.zoom === 1) view.x = view.y = 0;
    change();
  }
  function pan(dx, dy) {
    view.x -= dx / scale();
    view.y += dy / scale();
    change();
  }
  function fit() {
    view.zoom = 1;
    view.x = view.y = 0;
    redraw();
  }
  // show brings the place (x, y) of the square into the middle, at least zoom times enlarged.
  function show(x, y, zoom) {
    view.zoom = Math.min(maxZoom, Math.max(1, zoom));
    [view.x, view.y] = [x, y];
    change();
  }
  // Follows the stage's size; at most two device pixels per CSS pixel.
  function resize() {
    view.width = canvas.clientWidth;
    view.height = canvas.clientHeight;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const w = Math.max(1, Math.round(view.width * ratio)), h = Math.max(1, Math.round(view.height * ratio));
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    redraw();
  }

  // Pointers that are down, by id. One pans, two pinch.
  const down = new Map();
  let moved = 0, path = null, tool = "";
  const local = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const spread = () => {
    const [a, b] = [...down.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, d: Math.hypot(a.x - b.x, a.y - b.y) };
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || down.size === 2) return;
    canvas.setPointerCapture(event.pointerId);
    if (down.size === 0) {
      moved = 0;
      tool = view.tool !== "pan" ? view.tool : event.shiftKey ? "box" : "";
      path = tool ? [local(event)] : null;
    } else if (path) { // a second finger pinches
      path = null;
      drawn(null, tool, event);
    }
    down.set(event.pointerId, local(event));
    stage.classList.toggle("dragging", !path);
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = local(event), last = down.get(event.pointerId);
    if (!last) {
      if (event.pointerType !== "touch") hover(at.x, at.y, false);
      return;
    }
    if (down.size === 2) {
      const before = spread();
      down.set(event.pointerId, at);
      const after = spread();
      moved = Infinity;
      view.x -= (after.x - before.x) / scale();
      view.y += (after.y - before.y) / scale();
      zoomBy(after.d / Math.max(1, before.d), after.x, after.y);
      return;
    }
    moved += Math.hypot(at.x - last.x, at.y - last.y);
    if (moved < 4) return; // still a click or a tap
    if (path) {
      const end = path[path.length - 1];
      if (Math.hypot(at.x - end.x, at.y - end.y) >= 3) path.push(at);
      hover();
      draw(path, tool);
      return;
    }
    down.set(event.pointerId, at);
    hover();
    pan(at.x - last.x, at.y - last.y);
  });
  const up = (event) => {
    if (!down.delete(event.pointerId)) return;
    if (down.size === 0) stage.classList.remove("dragging");
    const at = local(event);
    if (path) {
      const ready = event.type === "pointerup" && moved >= 4 && path.length > 1 ? path : null;
      path = null;
      drawn(ready, tool, event);
    }
    if (event.type === "pointerup" && moved < 4) hover(at.x, at.y, event.pointerType === "touch");
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") hover(); });

  // The wheel zooms, but a page being scrolled across the canvas scrolls on, and
  // so does one that cannot zoom out any further.
  let scrolled = -Infinity;
  addEventListener("scroll", () => { scrolled = performance.now(); }, { passive: true });
  canvas.addEventListener("wheel", (event) => {
    if (performance.now() - scrolled < 300 || (event.deltaY > 0 && view.zoom === 1 && !event.ctrlKey)) return;
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? view.height : 1;
    const at = local(event);
    zoomBy(Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.002)), at.x, at.y);
    hover(at.x, at.y, false);
  }, { passive: false });

  const keys = {
    "+": () => zoomBy(1.5), "=": () => zoomBy(1.5), "-": () => zoomBy(1 / 1.5), "_": () => zoomBy(1 / 1.5), "0": fit,
    ArrowLeft: () => pan(60, 0), ArrowRight: () => pan(-60, 0), ArrowUp: () => pan(0, 60), ArrowDown: () => pan(0, -60),
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const shifted = event.shiftKey && more["Shift" + event.key];
    if (shifted) {
      event.preventDefault();
      shifted();
    } else if (keys[event.key]) {
      event.preventDefault();
      hover();
      keys[event.key]();
    } else if (more[event.key]) {
      event.preventDefault();
      more[event.key]();
    }
  });
  new ResizeObserver(resize).observe(stage);
  resize();
  return view;
}
