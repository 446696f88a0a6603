// The search: a row's number, a label or category, or a part of a text. What is found is
// selected; a single point is gone to.
function createSearch({ n, row, labels, classes, columns, select, goTo }) {
  const field = $("x-search"), result = $("x-found");
  function find(wanted) {
    const found = [], words = wanted.toLowerCase(), asNumber = Number(wanted.replaceAll(",", ""));
    const all = (test) => { for (let i = 0; i < n; i++) if (test(i)) found.push(i); };
    const named = (names) => new Set(names.flatMap((v, c) => v.toLowerCase() === words ? [c] : []));
    if (/^#?[\d,]+$/.test(wanted)) { // a row; #7 is never a label
      const number = Number(wanted.replace(/[#,]/g, ""));
      if (wanted.startsWith("#") || !(labels && named(classes).size)) {
        all((i) => row(i) === number);
        if (found.length) return found;
      }
    }
    const some = labels && named(classes);
    if (some && some.size) {
      all((i) => some.has(labels[i]));
      return found;
    }
    const groups = columns.map((c) => c.kind === "category" ? new Set(c.names.flatMap((v, k) => v.toLowerCase().includes(words) ? [k] : [])) : null);
    const inLabels = labels ? new Set(classes.flatMap((v, c) => v.toLowerCase().includes(words) ? [c] : [])) : null;
    all((i) => inLabels?.has(labels[i]) || columns.some((c, k) => c.kind === "text" ? c.values[i].toLowerCase().includes(words)
      : c.kind === "category" ? groups[k].has(c.values[i]) : c.values[i] === asNumber));
    return found;
  }
  $("x-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = field.value.trim();
    if (!wanted) return;
    const found = find(wanted);
    result.textContent = found.length ? `${found.length.toLocaleString("en")} found` : "Nothing found";
    if (found.length) select(found);
    if (found.length === 1) goTo(found[0]);
  });
}
