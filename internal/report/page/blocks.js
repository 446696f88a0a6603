// The page's data, in blocks of bytes: base64 inside the page, or beside it in
// scripts of one call each, since a page opened from disk may not fetch files.
const blocks = (() => {
  const waiting = new Map(); // what to do with a block that is being loaded, by id

  function decode(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const binary = atob(text), out = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) out[i] = binary.charCodeAt(i);
    return out;
  }
  window.latentBlock = (id, text) => waiting.get(id)?.(decode(text));

  // raw resolves to the bytes of a block; folder is where blocks outside the page are.
  function raw(id, folder) {
    const inside = $("x-" + id);
    if (inside) {
      const bytes = decode(inside.textContent);
      inside.remove(); // the text is not kept twice
      return Promise.resolve(bytes);
    }
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const end = () => { waiting.delete(id); script.remove(); };
      waiting.set(id, (bytes) => { end(); resolve(bytes); });
      script.onerror = () => { end(); reject(new Error(`${folder}${id}.js is missing`)); };
      script.src = folder + id + ".js";
      document.head.append(script);
    });
  }
  // unpacked is raw of a block that zlib has packed.
  async function unpacked(id, folder) {
    const stream = new Blob([await raw(id, folder)]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }
  const texts = async (id, folder) => JSON.parse(new TextDecoder().decode(await unpacked(id, folder)));

  // chunked gives the rows of a block that is cut into chunks of so many rows, each
  // loaded when the first of its rows is asked for: row(i) is [bytes, start in bytes],
  // or null while they are on their way, after which arrived() is called.
  function chunked(name, { rows, width }, folder, arrived) {
    const chunks = new Map();
    const most = Math.max(2, Math.ceil((64 << 20) / (rows * width))); // what memory holds
    // load resolves when chunk k is there, or will not come: an old browser, or a missing
    // file. The rest works without.
    async function load(k) {
      if (chunks.has(k)) return;
      chunks.set(k, null);
      await unpacked(`${name}-${k}`, folder).then((bytes) => {
        chunks.set(k, bytes);
        for (const old of chunks.keys()) {
          if (folder && chunks.size > most && old !== k) chunks.delete(old);
        }
        arrived();
      }, () => {});
    }
    function row(i) {
      const k = Math.floor(i / rows);
      if (!chunks.has(k)) load(k);
      const bytes = chunks.get(k);
      return bytes && [bytes, (i % rows) * width];
    }
    return { row, load };
  }
  return { raw, unpacked, texts, chunked };
})();
