// What points are coloured by. A colouring is { name, groups, group, palette, ramp }:
// groups are the names of its legend (none for a ramp), group the index into palette of
// each point, and a ramp is { lo, hi } of numbers.

// Ten colours that colour-blind people tell apart (Petroff 2021, matplotlib's petroff10);
// further groups take them in turn.
const cycle = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"];
const rgb = (colour) => [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));
// matplotlib's viridis at 0, 1/8, ... 1: lightness rises evenly, whoever looks.
const viridis = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"].map(rgb);
const missing = 255; // the palette's last place: no number

const classPalette = cycle.map(rgb);
const rampPalette = Array.from({ length: 256 }, (_, i) => {
  if (i === missing) return [140, 140, 140];
  const at = i / 254 * 8, k = Math.min(7, Math.floor(at));
  return viridis[k].map((v, c) => Math.round(v + (viridis[k + 1][c] - v) * (at - k)));
});
const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;

const plain = (n) => ({ name: "", groups: [], group: new Uint8Array(n), palette: classPalette, ramp: null });
const byGroup = (name, groups, group) => ({ name, groups, group, palette: groups.map((_, i) => classPalette[i % 10]), ramp: null });
function byNumber(name, values) {
  let lo = Infinity, hi = -Infinity;
  for (const v of values) if (v === v) [lo, hi] = [Math.min(lo, v), Math.max(hi, v)];
  const k = hi > lo ? 254 / (hi - lo) : 0;
  return { name, groups: [], group: Uint8Array.from(values, (v) => v === v ? Math.round((v - lo) * k) : missing), palette: rampPalette, ramp: { lo, hi } };
}
// A number as a reader wants it: six digits, no noise.
const short = (v) => v !== v ? "missing" : Number(v.toPrecision(6)).toLocaleString("en", { maximumSignificantDigits: 6 });
