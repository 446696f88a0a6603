"use strict";
// The page's scripts run as one, in the order in which page.go lists them. They use what is
// inside the file or beside it, and nothing else.

const $ = (id) => document.getElementById(id);

// Light or dark: the system's choice until the button overrides it.
const theme = (() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = $("theme");
  const listeners = [];
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  function changed() {
    button.setAttribute("aria-pressed", String(dark()));
    for (const f of listeners) f();
  }
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = dark() ? "light" : "dark";
    if ((next === "dark") === system.matches) delete root.dataset.theme;
    else root.dataset.theme = next;
    changed();
  });
  system.addEventListener("change", changed);
  changed();
  return { dark, onChange: (f) => listeners.push(f) };
})();

// moveTip puts a tooltip beside (x, y) of its parent box, on the side that has room.
function moveTip(tip, x, y) {
  tip.hidden = false;
  const box = tip.parentElement, gap = 14;
  const w = tip.offsetWidth, h = tip.offsetHeight;
  const right = x + gap + w <= box.clientWidth, below = y + gap + h <= box.clientHeight;
  const left = right ? x + gap : Math.max(0, x - gap - w);
  const top = below ? y + gap : Math.max(0, y - gap - h);
  tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
}

// element makes a node with a class and a text; texts are never parsed as markup.
function element(tag, className, text) {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}
