// Drawing the points: WebGL2 where a graphics processor runs it, else the plain
// 2-D canvas, which is several times faster than WebGL in software.
//
// A cloud is { n, from, to, visibleFrom, visibleTo, colour }: positions as Int16
// pairs in [-32767, 32767], visibility 0 or 255, class colours 0 to 9. A frame is
// { t, scale, x, y, size, alpha }: how far each point has gone from `from` to `to`,
// CSS pixels per unit (32767), the canvas place of the origin in CSS pixels, the
// dots' diameter in CSS pixels, and their opacity.

// Matplotlib's C0 to C9.
const colours = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"];
const rgb = (colour) => [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));

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
      pixel = tint * clamp(0.5 * size + 0.5 - r, 0.0, 1.0);
    }`;
  const names = ["scale", "shift", "t", "size", "alpha"];
  let buffers, uniforms, count = 0;

  function compile(type, source) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    return shader;
  }
  function attribute(program, name, size, type) {
    const buffer = gl.createBuffer(), at = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, type, true, 0, 0);
    return buffer;
  }
  function setup() {
    const program = gl.createProgram();
    gl.attachShader(program, compile(gl.VERTEX_SHADER, vertex));
    gl.attachShader(program, compile(gl.FRAGMENT_SHADER, fragment));
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program));
    gl.useProgram(program);
    uniforms = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)]));
    buffers = {
      from: attribute(program, "from", 2, gl.SHORT),
      to: attribute(program, "to", 2, gl.SHORT),
      visibleFrom: attribute(program, "visibleFrom", 1, gl.UNSIGNED_BYTE),
      visibleTo: attribute(program, "visibleTo", 1, gl.UNSIGNED_BYTE),
      colour: attribute(program, "colour", 3, gl.UNSIGNED_BYTE),
    };
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }
  setup();

  return {
    kind: "webgl2",
    // restore prepares a context that the browser took away and gave back.
    restore: setup,
    upload(cloud) {
      const tints = new Uint8Array(3 * cloud.n), palette = colours.map(rgb);
      for (let i = 0; i < cloud.n; i++) tints.set(palette[cloud.colour[i]], 3 * i);
      for (const [name, buffer] of Object.entries(buffers)) {
        gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
        gl.bufferData(gl.ARRAY_BUFFER, name === "colour" ? tints : cloud[name], gl.DYNAMIC_DRAW);
      }
      count = cloud.n;
    },
    draw(frame, width, height, ratio) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.uniform2f(uniforms.scale, 2 * frame.scale / width, 2 * frame.scale / height);
      gl.uniform2f(uniforms.shift, 2 * frame.x / width - 1, 1 - 2 * frame.y / height);
      gl.uniform1f(uniforms.t, frame.t);
      gl.uniform1f(uniforms.size, frame.size * ratio);
      gl.uniform1f(uniforms.alpha, frame.alpha);
      gl.drawArrays(gl.POINTS, 0, count);
    },
  };
}

// flatRenderer blends the dots into an image by itself: many times faster than a
// drawImage or an arc per point.
function flatRenderer(canvas) {
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  const palette = colours.map(rgb);
  let cloud = null, image = null;

  return {
    kind: "2d",
    restore() {},
    upload(next) { cloud = next; },
    draw(frame, width, height, ratio) {
      const size = frame.size * ratio, margin = Math.ceil(size / 2) + 1;
      // A margin around the canvas takes the dots that are cut off at its edge.
      const w = canvas.width + 2 * margin, h = canvas.height + 2 * margin;
      if (!image || image.width !== w || image.height !== h) image = new ImageData(w, h);
      const data = image.data;
      const ground = getComputedStyle(canvas.parentElement).backgroundColor.match(/\d+/g);
      data.set([ground[0], ground[1], ground[2], 255]);
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
      const { n, from, to, visibleFrom, visibleTo, colour } = cloud;
      const k = frame.scale * ratio / 32767, t = frame.t, x0 = frame.x * ratio + margin, y0 = frame.y * ratio + margin;
      for (let i = 0; i < n; i++) {
        const opacity = frame.alpha * (visibleFrom[i] + (visibleTo[i] - visibleFrom[i]) * t) / 255;
        if (opacity === 0) continue;
        const x = Math.round(x0 + k * (from[2 * i] + (to[2 * i] - from[2 * i]) * t));
        const y = Math.round(y0 - k * (from[2 * i + 1] + (to[2 * i + 1] - from[2 * i + 1]) * t));
        if (x < margin || y < margin || x >= w - margin || y >= h - margin) continue;
        const [r, g, b] = palette[colour[i]], centre = 4 * (y * w + x);
        for (let j = 0; j < offsets.length; j++) {
          const p = centre + offsets[j], a = opacity * cover[j];
          data[p] += (r - data[p]) * a;
          data[p + 1] += (g - data[p + 1]) * a;
          data[p + 2] += (b - data[p + 2]) * a;
        }
      }
      context.putImageData(image, -margin, -margin);
    },
  };
}
