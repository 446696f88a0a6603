// The selection: points marked by box, lasso, key or search, what they are, and the CSV
// of them.

// within finds the points inside a path on the canvas, as drawn with "box" or "lasso":
// each calls f(i, x, y) for the points near a box, with their canvas places.
function within(path, tool, each) {
  const xs = path.map((p) => p.x), ys = path.map((p) => p.y);
  if (tool === "box") [xs, ys].forEach((v) => { v.splice(1, v.length - 2); });
  const x0 = Math.min(...xs), x1 = Math.max(...xs), y0 = Math.min(...ys), y1 = Math.max(...ys);
  const found = [];
  if (tool === "box") {
    each(x0, y0, x1, y1, (i, x, y) => { if (x >= x0 && x <= x1 && y >= y0 && y <= y1) found.push(i); });
    return found;
  }
  // The lasso is painted, two pixels to one, so that each point costs one look.
  const w = Math.ceil(2 * (x1 - x0)) + 1, h = Math.ceil(2 * (y1 - y0)) + 1;
  const pen = Object.assign(document.createElement("canvas"), { width: w, height: h }).getContext("2d", { willReadFrequently: true });
  path.forEach((p, k) => pen[k ? "lineTo" : "moveTo"](2 * (p.x - x0), 2 * (p.y - y0)));
  pen.fill("evenodd");
  const mask = pen.getImageData(0, 0, w, h).data;
  each(x0, y0, x1, y1, (i, x, y) => {
    if (x < x0 || x > x1 || y < y0 || y > y1) return;
    if (mask[4 * (((2 * (y - y0)) | 0) * w + ((2 * (x - x0)) | 0)) + 3] > 127) found.push(i);
  });
  return found;
}

// ranges writes row numbers as 1-3,7; parseRanges reads them.
function ranges(rows) {
  const out = [];
  for (let a = 0; a < rows.length;) {
    let b = a;
    while (rows[b + 1] === rows[b] + 1) b++;
    out.push(a === b ? rows[a] : `${rows[a]}-${rows[b]}`);
    a = b + 1;
  }
  return out.join(",");
}
function parseRanges(text, n) {
  const rows = [];
  for (const part of text.split(",")) {
    const m = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!m) continue;
    for (let i = +m[1]; i <= Math.min(n - 1, +(m[2] ?? m[1])); i++) rows.push(i);
  }
  return rows;
}

// csvCell quotes a text, also one that a spreadsheet would take for a formula.
const csvCell = (v) => /^[=+@\t\r-](?!\d|$)/.test(v) ? `"'${String(v).replaceAll('"', '""')}"`
  : /[",\r\n]/.test(v) ? `"${String(v).replaceAll('"', '""')}"` : String(v);

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// createSelection keeps the selection of n points. data is the explorer's, changed() is
// called after each change.
function createSelection(n, data, changed) {
  let rows = []; // ascending
  let mask = null; // n bytes, 1 where selected; null without a selection
  const selection = { rows: () => rows, has: (i) => mask !== null && mask[i] === 1, set, toggle: (i) => set([i], selection.has(i) ? "remove" : "add"), refresh, csv };

  // set replaces the selection by the points found, or adds or removes them.
  function set(found, how) {
    const next = how === "add" || how === "remove" ? (mask ?? new Uint8Array(n)) : new Uint8Array(n);
    for (const i of found) next[i] = how === "remove" ? 0 : 1;
    rows = [];
    for (let i = 0; i < n; i++) if (next[i]) rows.push(i);
    mask = rows.length ? next : null;
    refresh();
    changed();
  }

  // refresh shows the count, the shares of the groups, and pictures.
  function refresh() {
    const box = $("x-selection");
    box.hidden = rows.length === 0;
    $("x-clear").disabled = $("x-export").disabled = rows.length === 0;
    if (!rows.length) return;
    const { groups, group, palette } = data.colouring();
    $("x-count").textContent = `${rows.length.toLocaleString("en")} selected`;
    const counts = new Array(groups.length).fill(0);
    if (groups.length) for (const i of rows) counts[group[i]]++;
    const order = counts.map((_, c) => c).filter((c) => counts[c]).sort((a, b) => counts[b] - counts[a] || a - b);
    const share = (c) => `${(100 * counts[c] / rows.length).toFixed(1)} %`;
    $("x-shares").replaceChildren(...order.slice(0, 12).map((c) => {
      const row = element("li", "", ""), bar = element("span", "share", "");
      bar.style.setProperty("--v", counts[c] / rows.length);
      bar.style.setProperty("--c", css(palette[c]));
      row.append(element("span", "name", groups[c]), bar, element("span", "n", `${counts[c].toLocaleString("en")} · ${share(c)}`));
      return row;
    }));
    if (order.length > 12) $("x-shares").append(element("li", "quiet", `and ${order.length - 12} more`));
    strip();
    say(`${rows.length.toLocaleString("en")} of ${n.toLocaleString("en")} points selected` +
      (order.length ? `: ${order.slice(0, 3).map((c) => `${groups[c]} ${share(c)}`).join(", ")}.` : "."));
  }
  function strip() {
    const most = 60, step = Math.max(1, Math.floor(rows.length / most));
    const list = data.hasPictures ? rows.filter((_, k) => k % step === 0).slice(0, most) : [];
    $("x-strip").hidden = !list.length;
    $("x-strip").replaceChildren(...list.map((i) => {
      const button = element("button", "thumb", ""), canvas = document.createElement("canvas");
      button.type = "button";
      button.title = data.name(i);
      button.setAttribute("aria-label", data.name(i));
      button.dataset.row = i;
      button.append(canvas);
      data.drawPicture(canvas, i);
      button.addEventListener("click", () => data.goTo(i));
      return button;
    }));
  }
  // csv is the selection, or all points where there is none: row numbers, labels, and the
  // classes that each space predicts.
  function csv() {
    const spaces = data.spaces.filter((s) => s.predicted);
    const head = ["row", ...(data.labels ? ["label"] : []), ...spaces.map((s) => "predicted " + s.name)];
    const lines = [head.map(csvCell).join(",")];
    for (const i of rows) {
      const cells = [data.row(i)];
      if (data.labels) cells.push(data.classes[data.labels[i]]);
      for (const s of spaces) cells.push(data.classes[s.predicted[i]]);
      lines.push(cells.map(csvCell).join(","));
    }
    return lines.join("\r\n") + "\r\n";
  }
  return selection;
}

// say tells screen readers what has happened.
function say(text) { $("x-said").textContent = text; }
