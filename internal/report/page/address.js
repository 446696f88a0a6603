// The address of a view: what the explorer shows, in the hash of the page's URL, so that
// a link leads back to it. read() gives the state as texts by name, empty ones left out;
// apply(state) goes there.
function createAddress({ read, apply }) {
  const prefix = "#explorer?";
  let timer = 0, own = "";
  function note() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const query = new URLSearchParams(Object.entries(read()).filter(([, v]) => v !== "")).toString();
      if (!query && !location.hash.startsWith(prefix)) return;
      own = prefix + query;
      history.replaceState(null, "", own);
    }, 300);
  }
  function open() {
    if (!location.hash.startsWith(prefix) || location.hash === own) return;
    apply(Object.fromEntries(new URLSearchParams(location.hash.slice(prefix.length))));
    $("explorer").scrollIntoView({ behavior: "instant" });
  }
  addEventListener("hashchange", open);
  return { note, open };
}
