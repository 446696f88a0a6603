// Drawing the points: WebGL2 where a graphics processor runs it, else the plain
// 2-D canvas, which is several times faster than WebGL in software.
//
// A cloud is { n, from, to, visibleFrom, visibleTo, group, palette, grid }: positions as
// Int16 pairs in [-32767, 32767], opacities 0 to 255, places in the palette of [r, g, b],
// and the grid of `to`, or null. A frame is { t, scale, x, y, size, alpha, level, panes }:
// how far each point has gone from `from` to `to`, CSS pixels per unit (32767), the canvas
// place of the origin in CSS pixels, the dots' diameter in CSS pixels and their opacity.
// A level above 0 asks for density instead of dots: a pixel on which so many points fall
// is drawn in full.

const glOptions = { antialias: false, depth: false, failIfMajorPerformanceCaveat: true };

function createRenderer(canvas) {
  const gl = hasFastGL() && canvas.getContext("webgl2", glOptions);
  return gl ? glRenderer(canvas, gl) : flatRenderer(canvas);
}

// hasFastGL tries WebGL2 on a canvas of its own: one that has had a WebGL context
// can have no other.
function hasFastGL() {
  const gl = document.createElement("canvas").getContext("webgl2", glOptions);
  if (!gl) return false;
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(name);
}

function glRenderer(canvas, gl) {
  const vertex = `#version 300 es
    in vec2 from; in vec2 to; in float visibleFrom; in float visibleTo; in vec3 colour;
    uniform vec2 scale, shift; uniform float t, size, alpha;
    out vec4 tint;
    void main() {
      float a = mix(visibleFrom, visibleTo, t) * alpha;
      tint = vec4(colour * a, a);
      gl_Position = a > 0.0 ? vec4(mix(from, to, t) * scale + shift, 0, 1) : vec4(2, 2, 2, 1);
      gl_PointSize = size + 1.0;
    }`;
  const fragment = `#version 300 es
    precision highp float;
    in vec4 tint; uniform float size; out vec4 pixel;
    void main() {
      float r = length(gl_PointCoord - 0.5) * (size + 1.0);
      pixel = size > 0.0 ? tint * clamp(0.5 * size + 0.5 - r, 0.0, 1.0) : tint;
    }`;
  // Density: points are summed into a texture of half floats, and the sums shaded.
  const cover = `#version 300 es
    void main() { gl_Position = vec4(gl_VertexID == 1 ? 3 : -1, gl_VertexID == 2 ? 3 : -1, 0, 1); }`;
  const shade = `#version 300 es
    precision highp float;
    uniform sampler2D sums; uniform float level; out vec4 pixel;
    void main() {
      vec4 s = texelFetch(sums, ivec2(gl_FragCoord.xy), 0);
      float a = s.a > 0.0 ? min(1.0, 0.2 + 0.8 * log(1.0 + s.a) / log(1.0 + level)) : 0.0;
      pixel = vec4(s.a > 0.0 ? s.rgb / s.a * a : vec3(0), a);
    }`;
  const names = ["scale", "shift", "t", "size", "alpha"];
  let buffers, uniforms, dots, density, sums, count = 0;

  function compile(type, source) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    return shader;
  }
  function link(first, second) {
    const program = gl.createProgram();
    gl.attachShader(program, compile(gl.VERTEX_SHADER, first));
    gl.attachShader(program, compile(gl.FRAGMENT_SHADER, second));
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program));
    return program;
  }
  function attribute(name, size, type) {
    const buffer = gl.createBuffer(), at = gl.getAttribLocation(dots, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, type, true, 0, 0);
    return buffer;
  }
  function setup() {
    dots = link(vertex, fragment);
    uniforms = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(dots, name)]));
    buffers = {
      from: attribute("from", 2, gl.SHORT),
      to: attribute("to", 2, gl.SHORT),
      visibleFrom: attribute("visibleFrom", 1, gl.UNSIGNED_BYTE),
      visibleTo: attribute("visibleTo", 1, gl.UNSIGNED_BYTE),
      colour: attribute("colour", 3, gl.UNSIGNED_BYTE),
    };
    sums = null;
    density = gl.getExtension("EXT_color_buffer_float") && link(cover, shade);
    gl.enable(gl.BLEND);
  }
  setup();

  // target makes the texture of sums as large as the canvas.
  function target() {
    if (!sums) {
      sums = { texture: gl.createTexture(), frame: gl.createFramebuffer(), width: 0, height: 0 };
    }
    gl.bindTexture(gl.TEXTURE_2D, sums.texture);
    gl.bindFramebuffer(gl.FRAMEBUFFER, sums.frame);
    if (sums.width === canvas.width && sums.height === canvas.height) return;
    [sums.width, sums.height] = [canvas.width, canvas.height];
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA16F, sums.width, sums.height, 0, gl.RGBA, gl.HALF_FLOAT, null);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, sums.texture, 0);
  }
  function points(frame, width, height, ratio, size, alpha) {
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.useProgram(dots);
    gl.uniform2f(uniforms.scale, 2 * frame.scale / width, 2 * frame.scale / height);
    gl.uniform2f(uniforms.shift, 2 * frame.x / width - 1, 1 - 2 * frame.y / height);
    gl.uniform1f(uniforms.t, frame.t);
    gl.uniform1f(uniforms.size, size * ratio);
    gl.uniform1f(uniforms.alpha, alpha);
    gl.drawArrays(gl.POINTS, 0, count);
  }

  return {
    kind: "webgl2",
    // restore prepares a context that the browser took away and gave back.
    restore: setup,
    upload(cloud) {
      const tints = new Uint8Array(3 * cloud.n);
      for (let i = 0; i < cloud.n; i++) {
        const tint = cloud.palette[cloud.group[i]];
        [tints[3 * i], tints[3 * i + 1], tints[3 * i + 2]] = tint;
      }
      for (const [name, buffer] of Object.entries(buffers)) {
        gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
        gl.bufferData(gl.ARRAY_BUFFER, name === "colour" ? tints : cloud[name], gl.DYNAMIC_DRAW);
      }
      count = cloud.n;
    },
    draw(frame, width, height, ratio) {
      if (frame.level > 0 && density) {
        target();
        gl.blendFunc(gl.ONE, gl.ONE);
        points(frame, width, height, ratio, 0, 1);
        gl.bindFramebuffer(gl.FRAMEBUFFER, null);
        gl.clear(gl.COLOR_BUFFER_BIT);
        gl.useProgram(density);
        gl.uniform1f(gl.getUniformLocation(density, "level"), frame.level);
        gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
        gl.drawArrays(gl.TRIANGLES, 0, 3);
        return;
      }
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      points(frame, width, height, ratio, frame.size, frame.alpha);
    },
  };
}

// flatRenderer blends the dots into an image by itself: many times faster than a
// drawImage or an arc per point.
function flatRenderer(canvas) {
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  let cloud = null, image = null, sums = null;

  // stretches calls f with the stretches [first, last) of the points that may be on the
  // canvas, and the order in which they are numbered: null for their own.
  function stretches(frame, width, height, f) {
    const { grid, n } = cloud, k = 32767 / frame.scale;
    if (!grid || frame.t < 1 || frame.scale < 0.6 * Math.min(width, height)) return f(0, n, null); // nearly all are
    const pad = 10 * k;
    inBox(grid, -frame.x * k - pad, (frame.y - height) * k - pad, (width - frame.x) * k + pad, frame.y * k + pad,
      (first, last) => f(first, last, grid.order));
  }

  function ground() {
    const [r, g, b] = getComputedStyle(canvas.parentElement).backgroundColor.match(/\d+/g).map(Number);
    return [r, g, b];
  }

  function drawDots(frame, width, height, ratio) {
    const size = frame.size * ratio, margin = Math.ceil(size / 2) + 1;
    // A margin around the canvas takes the dots that are cut off at its edge.
    const w = canvas.width + 2 * margin, h = canvas.height + 2 * margin;
    if (!image || image.width !== w || image.height !== h) image = new ImageData(w, h);
    const data = image.data;
    data.set([...ground(), 255]);
    const words = new Uint32Array(data.buffer);
    words.fill(words[0]);

    // The dot: pixel offsets (in bytes) and how much of each is covered.
    const offsets = [], cover = [];
    for (let dy = -margin; dy <= margin; dy++) {
      for (let dx = -margin; dx <= margin; dx++) {
        const part = Math.min(1, size / 2 + 0.5 - Math.hypot(dx, dy));
        if (part > 0) [offsets[cover.length], cover[cover.length]] = [4 * (dy * w + dx), part];
      }
    }
    const { from, to, visibleFrom, visibleTo, group, palette } = cloud;
    const k = frame.scale * ratio / 32767, t = frame.t, x0 = frame.x * ratio + margin, y0 = frame.y * ratio + margin;
    stretches(frame, width, height, (first, last, order) => {
      for (let at = first; at < last; at++) {
        const i = order ? order[at] : at;
        const opacity = frame.alpha * (visibleFrom[i] + (visibleTo[i] - visibleFrom[i]) * t) / 255;
        if (opacity === 0) continue;
        const x = Math.round(x0 + k * (from[2 * i] + (to[2 * i] - from[2 * i]) * t));
        const y = Math.round(y0 - k * (from[2 * i + 1] + (to[2 * i + 1] - from[2 * i + 1]) * t));
        if (x < margin || y < margin || x >= w - margin || y >= h - margin) continue;
        const tint = palette[group[i]], r = tint[0], g = tint[1], b = tint[2], centre = 4 * (y * w + x);
        for (let j = 0; j < offsets.length; j++) {
          const p = centre + offsets[j], a = opacity * cover[j];
          data[p] += (r - data[p]) * a;
          data[p + 1] += (g - data[p + 1]) * a;
          data[p + 2] += (b - data[p + 2]) * a;
        }
      }
    });
    context.putImageData(image, -margin, -margin);
  }

  function drawDensity(frame, width, height, ratio) {
    const w = canvas.width, h = canvas.height;
    if (!image || image.width !== w || image.height !== h) image = new ImageData(w, h);
    if (!sums || sums.length !== 4 * w * h) sums = new Float32Array(4 * w * h);
    else sums.fill(0);
    const { from, to, visibleFrom, visibleTo, group, palette } = cloud;
    const r = new Float32Array(256), g = new Float32Array(256), b = new Float32Array(256);
    palette.forEach((tint, c) => { [r[c], g[c], b[c]] = tint; });
    const k = frame.scale * ratio / 32767, t = frame.t, x0 = frame.x * ratio, y0 = frame.y * ratio;
    stretches(frame, width, height, (first, last, order) => {
      const places = order ? cloud.grid.places : to;
      for (let at = first; at < last; at++) {
        const i = order ? order[at] : at;
        let weight, x, y;
        if (t < 1) {
          weight = (visibleFrom[i] + (visibleTo[i] - visibleFrom[i]) * t) / 255;
          x = (x0 + k * (from[2 * i] + (to[2 * i] - from[2 * i]) * t)) | 0;
          y = (y0 - k * (from[2 * i + 1] + (to[2 * i + 1] - from[2 * i + 1]) * t)) | 0;
        } else {
          weight = visibleTo[i] / 255;
          x = (x0 + k * places[2 * at]) | 0;
          y = (y0 - k * places[2 * at + 1]) | 0;
        }
        if (weight === 0 || x < 0 || y < 0 || x >= w || y >= h) continue;
        const p = 4 * (y * w + x), c = group[i];
        sums[p] += weight * r[c];
        sums[p + 1] += weight * g[c];
        sums[p + 2] += weight * b[c];
        sums[p + 3] += weight;
      }
    });
    const data = image.data, [br, bg, bb] = ground(), gain = 0.8 / Math.log1p(frame.level);
    const words = new Uint32Array(data.buffer);
    data.set([br, bg, bb, 255]);
    words.fill(words[0]);
    for (let p = 0; p < data.length; p += 4) {
      const s = sums[p + 3];
      if (s === 0) continue;
      const a = Math.min(1, 0.2 + gain * Math.log1p(s)), part = a / s;
      data[p] = br + sums[p] * part - br * a;
      data[p + 1] = bg + sums[p + 1] * part - bg * a;
      data[p + 2] = bb + sums[p + 2] * part - bb * a;
    }
    context.putImageData(image, 0, 0);
  }

  return {
    kind: "2d",
    restore() {},
    upload(next) { cloud = next; },
    draw(frame, width, height, ratio) {
      if (frame.level > 0) drawDensity(frame, width, height, ratio);
      else drawDots(frame, width, height, ratio);
    },
  };
}
