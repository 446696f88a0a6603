// The explorer: which points are shown, where they are, and what one of them is.
const explorer = $("x-meta") && (() => {
  const meta = JSON.parse($("x-meta").textContent), n = meta.n;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const glideTime = 800; // ms

  function bytes(id) {
    const text = atob($("x-" + id).textContent), out = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
    return out;
  }
  const labels = bytes("labels");
  const spaces = meta.spaces.map((s, k) => ({
    name: s.name, kl: s.kl, at: new Int16Array(bytes("embedding-" + k).buffer), predicted: bytes("predicted-" + k),
  }));

  // Pictures arrive after the first drawing; without them the rest works.
  let images = null;
  async function loadImages() {
    const stream = new Blob([bytes("images")]).stream().pipeThrough(new DecompressionStream("deflate"));
    images = new Uint8Array(await new Response(stream).arrayBuffer());
  }

  const stage = $("x-stage"), canvas = $("x-canvas"), ring = $("x-ring"), tip = $("x-tip");
  $("x-root").hidden = false;
  const renderer = createRenderer(canvas);
  const shown = new Array(meta.classes.length).fill(true); // by class
  let space = 0, wrongOnly = false, start = null, pending = false, hovered = -1;
  const cloud = {
    n, from: spaces[0].at, to: spaces[0].at, visibleFrom: null, visibleTo: null,
    colour: labels.map((c) => c % 10),
  };
  let t = 1;

  // What tests look at.
  const state = { renderer: renderer.kind, position, point: () => hovered, gliding: () => t < 1, ready: null };
  const view = createView(stage, canvas, { redraw, hover });

  const isWrong = (i, s) => spaces[s].predicted[i] !== labels[i];
  function visibility(s) {
    const out = new Uint8Array(n);
    for (let i = 0; i < n; i++) out[i] = shown[labels[i]] && (!wrongOnly || isWrong(i, s)) ? 255 : 0;
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
  function draw() {
    if (!view.width || !view.height) return; // not laid out
    const [x, y] = view.toScreen();
    const room = Math.sqrt(view.width * view.height / n); // CSS pixels between points, were they even
    const size = Math.min(16, Math.min(9, Math.max(2, 0.62 * room)) * view.zoom ** 0.4);
    const alpha = Math.min(0.9, (wrongOnly ? 0.75 : 0.55) * view.zoom ** 0.2);
    renderer.draw({ t, scale: view.scale(), x, y, size, alpha }, view.width, view.height, canvas.width / view.width);
  }

  // The visible point nearest to (x, y), within reach; -1 if there is none.
  function nearest(x, y, reach) {
    const [x0, y0] = view.toScreen(), k = view.scale() / 32767;
    let best = -1, least = reach * reach;
    for (let i = 0; i < n; i++) {
      if (!cloud.visibleTo[i]) continue;
      const dx = x0 + k * mix(cloud.from[2 * i], cloud.to[2 * i]) - x;
      const dy = y0 - k * mix(cloud.from[2 * i + 1], cloud.to[2 * i + 1]) - y;
      const d = dx * dx + dy * dy;
      if (d < least) [best, least] = [i, d];
    }
    return best;
  }
  function hover(x, y, touch) {
    const i = x === undefined ? -1 : nearest(x, y, touch ? 24 : 12);
    if (i >= 0 && i !== hovered) describe(i);
    hovered = i;
    showPoint();
  }
  // Moves ring and tooltip to the hovered point, or hides them.
  function showPoint() {
    ring.hidden = tip.hidden = hovered < 0;
    if (hovered < 0) return;
    const [x, y] = position(hovered);
    ring.style.transform = `translate(${x}px, ${y}px)`;
    moveTip(tip, x, y);
  }
  function describe(i) {
    $("x-label").textContent = meta.classes[labels[i]];
    $("x-swatch").style.background = colours[labels[i] % 10];
    $("x-number").textContent = meta.stride ? `Training image ${(i * meta.stride).toLocaleString("en")}` : "";
    [...$("x-predicted").rows].forEach((row, s) => {
      const right = !isWrong(i, s);
      row.className = (right ? "right" : "wrong") + (s === space ? " now" : "");
      row.cells[1].textContent = `${right ? "✓" : "✗"} ${meta.classes[spaces[s].predicted[i]]}`;
    });
    drawDigit(i);
  }
  function drawDigit(i) {
    const pen = $("x-digit").getContext("2d", { willReadFrequently: true }), picture = pen.createImageData(28, 28), top = 2 ** meta.bits - 1;
    $("x-digit").hidden = !images;
    if (!images) return;
    for (let p = 0; p < 784; p++) {
      const grey = images[784 * i + p] * 255 / top;
      picture.data.set([grey, grey, grey, 255], 4 * p);
    }
    pen.putImageData(picture, 0, 0);
  }

  const chips = [...document.querySelectorAll(".chip")], spaceButtons = [...document.querySelectorAll(".x-space")];
  const number = (v) => v.toLocaleString("en");

  // Brings buttons, counts and texts in line with the state.
  function describeState() {
    const perClass = new Array(meta.classes.length).fill(0);
    let wrong = 0;
    for (let i = 0; i < n; i++) {
      if (isWrong(i, space)) wrong++;
      else if (wrongOnly) continue;
      perClass[labels[i]]++;
    }
    chips.forEach((chip, c) => {
      chip.setAttribute("aria-pressed", String(shown[c]));
      chip.querySelector(".n").textContent = number(perClass[c]);
    });
    spaceButtons.forEach((button, s) => button.setAttribute("aria-pressed", String(s === space)));
    $("x-wrong").setAttribute("aria-pressed", String(wrongOnly));
    const visible = perClass.reduce((sum, v, c) => sum + (shown[c] ? v : 0), 0);
    const { name, kl } = spaces[space];
    $("x-status").textContent = `${number(visible)} of ${number(n)} points shown. In the ${name} space ${number(wrong)} are ` +
      `misclassified (${(100 * wrong / n).toFixed(2)} %). KL divergence ${kl.toFixed(3)}.`;
    canvas.setAttribute("aria-label", `Map of ${number(visible)} images in the ${name} space` +
      `${wrongOnly ? ", misclassified ones only" : ""}, coloured by class.`);
  }
  function filter() {
    cloud.visibleFrom = cloud.visibleTo = visibility(space);
    hover();
    renderer.upload(cloud);
    describeState();
    redraw();
  }
  function glideTo(s) {
    if (s === space) return;
    // Whatever is on its way goes on from where it is.
    cloud.from = cloud.from.map((v, j) => Math.round(mix(v, cloud.to[j])));
    cloud.visibleFrom = cloud.visibleFrom.map((v, i) => Math.round(mix(v, cloud.visibleTo[i])));
    space = s;
    cloud.to = spaces[s].at;
    cloud.visibleTo = visibility(s);
    t = still.matches ? 1 : 0;
    start = still.matches ? null : performance.now();
    hover();
    renderer.upload(cloud);
    describeState();
    redraw();
  }

  chips.forEach((chip, c) => chip.addEventListener("click", () => { shown[c] = !shown[c]; filter(); }));
  $("x-all").addEventListener("click", () => { shown.fill(true); filter(); });
  $("x-none").addEventListener("click", () => { shown.fill(false); filter(); });
  $("x-wrong").addEventListener("click", () => { wrongOnly = !wrongOnly; filter(); });
  spaceButtons.forEach((button, s) => button.addEventListener("click", () => glideTo(s)));
  $("x-in").addEventListener("click", () => view.zoomBy(1.6));
  $("x-out").addEventListener("click", () => view.zoomBy(1 / 1.6));
  $("x-fit").addEventListener("click", view.fit);
  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", () => { renderer.restore(); renderer.upload(cloud); redraw(); });
  theme.onChange(redraw);
  addEventListener("beforeprint", () => { hover(); view.resize(); draw(); });

  filter();
  state.ready = loadImages().catch(() => {}); // an old browser: no pictures
  return state;
})();
