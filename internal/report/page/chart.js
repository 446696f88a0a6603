// The loss chart is drawn already; this adds the values under the pointer.
if ($("c-data")) {
  const data = JSON.parse($("c-data").textContent);
  const plot = $("c-plot"), cross = $("c-cross"), tip = $("c-tip");
  const marks = [...plot.querySelectorAll(".mark")], lines = [...plot.querySelectorAll(".curve")], bands = data.series.map(() => null);
  for (const band of plot.querySelectorAll(".band")) bands[+band.dataset.k] = band;
  const shown = data.series.map(() => true);
  [...document.querySelectorAll(".c-toggle")].forEach((button, k) => button.addEventListener("click", () => {
    shown[k] = !shown[k];
    button.setAttribute("aria-pressed", String(shown[k]));
    for (const part of [lines[k], bands[k]]) if (part) part.style.display = shown[k] ? "" : "none";
  }));

  // Index of the stretch that holds step, or the nearest one.
  const find = (s, step) => {
    let lo = 0, hi = s.last.length - 1;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (s.last[mid] < step) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  };
  const hide = () => { for (const e of [cross, tip, ...marks]) e.hidden = true; };

  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const part = (event.clientX - box.left) / box.width;
    const step = part * data.xmax;
    cross.hidden = false;
    cross.style.left = `${part * 100}%`;
    tip.replaceChildren();
    data.series.forEach((s, k) => {
      marks[k].hidden = true;
      if (!shown[k]) return;
      const i = find(s, step), first = s.first[i], last = s.last[i];
      const top = (data.ymax - Math.log10(s.mean[i])) / (data.ymax - data.ymin);
      marks[k].hidden = false;
      marks[k].style.left = `${(first + last) / 2 / data.xmax * 100}%`;
      marks[k].style.top = `${top * 100}%`;
      const range = first === last ? first.toLocaleString("en") : `${first.toLocaleString("en")}–${last.toLocaleString("en")}`;
      if (!tip.firstChild) tip.append(element("p", "tip-sub", `Iteration ${range}`));
      const row = element("p", "tip-row", s.model);
      row.prepend(element("span", "line " + marks[k].className.replace("mark ", ""), ""));
      row.append(element("b", "", s.mean[i].toExponential(3)));
      tip.append(row);
    });
    if (!tip.firstChild) return hide();
    moveTip(tip, event.clientX - box.left, event.clientY - box.top);
  });
  plot.addEventListener("pointerleave", hide);
  plot.addEventListener("pointercancel", hide);
}
