// The live page: each event is the folder's whole state, and replaces what is shown.
const live = (() => {
  const state = { events: 0, frames: 0, last: null, idle: () => [...maps.values()].every((m) => !m.busy) }; // what tests look at
  const number = (v) => v.toLocaleString("en");
  const duration = (s) => s < 90 ? `${Math.round(s)} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`;
  const namespace = $("v-curves").namespaceURI;

  function stage({ status, message, report, idle }) {
    $("v-message").hidden = !message;
    $("v-message").textContent = message;
    $("v-report").hidden = !report;
    $("v-report").firstChild.setAttribute("href", report);
    $("v-bar").hidden = !status || !status.Total;
    if (!status) {
      $("v-stage").textContent = idle;
      return;
    }
    const { Label, Note, Done, Total, Unit, Tail, first, started, updated } = status;
    const took = (Date.parse(updated) - Date.parse(started)) / 1000, left = (Total - Done) * took / (Done - first);
    $("v-bar").value = Total ? Done / Total : 0;
    $("v-stage").textContent = [Label, Note, Total ? `${number(Done)} of ${number(Total)} ${Unit}` : "", Tail,
      Total && Done > first && left > 0 ? `${duration(left)} left` : ""].filter(Boolean).join(" · ");
  }

  function chart(c, last) {
    $("losses").hidden = !c;
    if (!c) return;
    $("v-last").replaceChildren(...last.map((l, k) => {
      const item = element("li", "", `${l.model} `), line = element("span", `line s${k % 4}`, "");
      item.prepend(line);
      item.append(element("span", "quiet", `step ${number(l.step)}, epoch ${number(l.epoch)}, loss ${l.loss.toExponential(6)}`));
      return item;
    }));
    const y = (v) => 1000 * (c.ymax - Math.log10(v)) / (c.ymax - c.ymin), x = (v) => 1000 * v / c.xmax;
    const path = (className, d) => {
      const node = document.createElementNS(namespace, "path");
      node.setAttribute("class", className);
      node.setAttribute("d", d);
      return node;
    };
    const ticks = [];
    for (let e = Math.ceil(c.ymin * 3); e <= c.ymax * 3; e++) {
      const v = [1, 2, 5][((e % 3) + 3) % 3] * 10 ** Math.floor(e / 3);
      if (y(v) > 0 && y(v) < 1000) ticks.push(v);
    }
    $("v-y").replaceChildren(...ticks.map((v) => {
      const tick = element("span", "", String(+v.toPrecision(1)));
      tick.style.top = `${y(v) / 10}%`;
      return tick;
    }));
    $("v-x").replaceChildren(...[0, 0.5, 1].map((part) => {
      const tick = element("span", "", number(Math.round(part * c.xmax)));
      tick.style.left = `${100 * part}%`;
      return tick;
    }));
    $("v-curves").replaceChildren(path("major", ticks.map((v) => `M0 ${y(v)}H1000`).join("")),
      ...c.series.map((s, k) => path(`curve s${k % 4}`, s.mean.map((v, i) => `${i ? "L" : "M"}${x((s.first[i] + s.last[i]) / 2)} ${y(v)}`).join(""))));
  }

  // A map glides to each new frame.
  const maps = new Map(); // by name
  let labels = new Uint8Array();
  async function bytes(url) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(url);
    return new Uint8Array(await answer.arrayBuffer());
  }
  async function showMap({ name, at }) {
    let m = maps.get(name);
    if (!m) {
      const figure = element("figure", "", ""), box = element("div", "live-map", ""), canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `The map ${name}`);
      box.append(canvas);
      figure.append(box, element("figcaption", "", name));
      $("v-maps").append(figure);
      m = { at: 0, canvas, cloud: null, start: 0, renderer: createRenderer(canvas), busy: false };
      maps.set(name, m);
      new ResizeObserver(() => drawMap(m)).observe(box);
    }
    if (m.at === at || m.busy) return;
    m.busy = true;
    try {
      if (!labels.length) labels = await bytes("labels");
      const to = new Int16Array((await bytes(`map/${encodeURIComponent(name)}`)).buffer), n = to.length / 2;
      const visible = new Uint8Array(n).fill(255), group = labels.length === n ? labels.map((c) => c % 10) : new Uint8Array(n);
      m.cloud = { n, from: m.cloud && m.cloud.n === n ? m.cloud.to : to, to, visibleFrom: visible, visibleTo: visible, group, palette: classPalette, grid: null };
      m.renderer.upload(m.cloud);
      [m.at, m.start] = [at, performance.now()];
      state.frames++;
      glide(m);
    } catch { /* it is being replaced: the next event asks again */ }
    m.busy = false;
  }
  function glide(m) {
    drawMap(m);
    if (performance.now() - m.start < 700) requestAnimationFrame(() => glide(m));
  }
  function drawMap(m) {
    const width = m.canvas.clientWidth, height = m.canvas.clientHeight, ratio = Math.min(2, devicePixelRatio || 1);
    if (!m.cloud || !width || !height) return;
    const w = Math.round(width * ratio), h = Math.round(height * ratio);
    if (m.canvas.width !== w || m.canvas.height !== h) [m.canvas.width, m.canvas.height] = [w, h];
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    m.renderer.draw({ t: still ? 1 : Math.min(1, (performance.now() - m.start) / 600), scale: 0.47 * Math.min(width, height), x: width / 2, y: height / 2,
      size: Math.min(9, Math.max(2, 0.6 * Math.sqrt(width * height / m.cloud.n))), alpha: 0.6, level: 0 }, width, height, ratio);
  }
  theme.onChange(() => maps.forEach(drawMap));

  function pictures(list) {
    $("pictures").hidden = !list.length;
    for (const { name, at } of list) {
      let image = document.getElementById("v-" + name);
      if (!image) {
        image = Object.assign(document.createElement("img"), { id: "v-" + name, className: "preview", alt: "A row of test images above a row of their reconstructions" });
        const figure = element("figure", "", "");
        figure.append(image);
        if (name !== "run") figure.append(element("figcaption", "", name));
        $("v-pictures").append(figure);
      }
      if (image.dataset.at !== String(at)) [image.dataset.at, image.src] = [at, `picture/${name}?${at}`];
    }
  }

  const source = new EventSource("events");
  source.onmessage = (event) => {
    const s = JSON.parse(event.data);
    state.events++;
    state.last = s;
    stage(s);
    chart(s.chart, s.last);
    $("maps").hidden = !s.maps.length;
    s.maps.forEach(showMap);
    pictures(s.pictures);
  };
  source.onerror = () => {
    $("v-message").hidden = false;
    $("v-message").textContent = "latent view has ended, or does not answer: this is what it showed last.";
  };
  return state;
})();
