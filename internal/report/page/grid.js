// A grid over the square of a map: finds the points near a place without looking at
// all of them. buildGrid is self-contained, since a worker runs its text.

// buildGrid sorts n points at (at[2i], at[2i+1]), in [-32767, 32767], by cell: cell c of
// side x side holds the points order[starts[c]] to order[starts[c+1]-1], which places has in
// this order: to read them from at would be to jump about in memory.
function buildGrid(at, n) {
  const side = Math.max(8, Math.min(512, Math.floor(Math.sqrt(n / 4))));
  const k = side / 65535, cell = new Uint32Array(n), starts = new Uint32Array(side * side + 1), order = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    cell[i] = Math.min(side - 1, ((at[2 * i + 1] + 32767) * k) | 0) * side + Math.min(side - 1, ((at[2 * i] + 32767) * k) | 0);
    starts[cell[i] + 1]++;
  }
  let filled = 0;
  for (let c = 0; c < side * side; c++) {
    if (starts[c + 1]) filled++;
    starts[c + 1] += starts[c];
  }
  const next = starts.slice();
  const places = new Int16Array(2 * n);
  for (let i = 0; i < n; i++) {
    const k = next[cell[i]]++;
    order[k] = i;
    places[2 * k] = at[2 * i];
    places[2 * k + 1] = at[2 * i + 1];
  }
  return { side, starts, order, places, filled };
}

// gridMaker builds grids in a worker of its own, and in the page where there is none.
const gridMaker = (() => {
  let worker = null;
  const waiting = [];
  try {
    const source = `${buildGrid}; onmessage = (e) => { const g = buildGrid(e.data, e.data.length / 2); postMessage(g, [g.starts.buffer, g.order.buffer, g.places.buffer]); };`;
    worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    worker.onmessage = (event) => waiting.shift().resolve(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      worker = null;
      for (const w of waiting.splice(0)) w.resolve(buildGrid(w.at, w.at.length / 2));
    };
  } catch { /* no workers here */ }
  return (at) => new Promise((resolve) => {
    if (!worker) return resolve(buildGrid(at, at.length / 2));
    waiting.push({ at, resolve });
    worker.postMessage(at);
  });
})();

// inBox calls f(first, last) with the stretches of grid.order that hold every point of
// the box, and some around it.
function inBox(grid, x0, y0, x1, y1, f) {
  const { side, starts } = grid;
  const cell = (v) => Math.max(0, Math.min(side - 1, Math.floor((v + 32767) * side / 65535)));
  if (x1 < -32767 || y1 < -32767 || x0 > 32767 || y0 > 32767) return;
  const a = cell(x0), b = cell(x1);
  for (let row = cell(y0); row <= cell(y1); row++) f(starts[row * side + a], starts[row * side + b + 1]);
}
