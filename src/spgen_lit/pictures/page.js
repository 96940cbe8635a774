"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const TYPICAL = 0.25, SACCADE = 0.04;
  const GRADIENT = [[255, 221, 51], [255, 140, 40], [235, 60, 90], [160, 60, 220], [70, 90, 245]];
  const HEAT = [[60, 15, 110], [120, 28, 109], [190, 55, 82], [237, 105, 37], [252, 180, 30], [250, 245, 140]];
  const holders = [...document.querySelectorAll("script.entry")];
  const cards = [];
  const stages = [];
  let current = -1, playing = false, time = 0, length = 0, last = 0, asked = 0;

  const mix = (stops, share) => {
    const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((v, i) => Math.round(v + (at - low) * (stops[low + 1][i] - v)));
  };
  const css = (rgb) => `rgb(${rgb.join(",")})`;
  // Entries are parsed only when they come into view: a page of 500 opens at once.
  const entry = (index) => (holders[index].parsed ??= JSON.parse(holders[index].textContent));

  // ---- the grid of thumbnails
  const show = new IntersectionObserver((seen) => {
    for (const item of seen) {
      const img = item.target.querySelector("img");
      if (item.isIntersecting && !img.src) img.src = entry(Number(item.target.dataset.index)).thumb;
    }
  }, { rootMargin: "600px" });
  holders.forEach((holder, index) => {
    const card = document.createElement("button");
    card.type = "button";
    card.className = "card";
    card.dataset.index = index;
    const img = document.createElement("img");
    img.className = "thumb";
    img.alt = "";
    const label = document.createElement("span");
    label.textContent = card.title = holder.dataset.name;
    card.append(img, label);
    card.addEventListener("click", () => open(index));
    $("grid").append(card);
    cards.push(card);
    show.observe(card);
  });
  $("find").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    for (const card of cards) card.hidden = !card.title.toLowerCase().includes(wanted);
  });

  // ---- one image: stages with a picture, a canvas and a chip per path
  const timed = (path) => {
    let clock = 0;
    const fixations = path.p.map(([x, y, d]) => {
      const seconds = d ?? TYPICAL;
      const made = { x, y, d: seconds, start: clock };
      clock += seconds + SACCADE;
      return made;
    });
    return { name: path.n, fixations, end: Math.max(0, clock - SACCADE) };
  };
  const build = (title, paths, source) => {
    const box = document.createElement("section");
    box.className = "stage";
    box.setAttribute("aria-label", title);
    const chips = document.createElement("div");
    chips.className = "chips";
    const heading = document.createElement("b");
    heading.textContent = title;
    chips.append(heading);
    const view = document.createElement("div");
    view.className = "view";
    const img = document.createElement("img");
    img.alt = title + " on " + entry(current).name;
    img.src = source;
    const canvas = document.createElement("canvas");
    view.append(img, canvas);
    box.append(chips, view);
    const stage = { box, canvas, paths: paths.map(timed), pick: 0, heat: null, buttons: [] };
    stage.paths.forEach((path, index) => {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.textContent = path.name;
      chip.title = `${path.fixations.length} fixations, ${path.end.toFixed(2)} s`;
      chip.addEventListener("click", () => choose(stage, index));
      stage.buttons.push(chip);
      chips.append(chip);
    });
    $("stages").append(box);
    new ResizeObserver(() => draw()).observe(view);
    return stage;
  };
  const choose = (stage, index) => {
    stage.pick = (index + stage.paths.length) % stage.paths.length || 0;
    stage.buttons.forEach((chip, i) => chip.setAttribute("aria-pressed", i === stage.pick));
    length = Math.max(0, ...stages.map((s) => s.paths[s.pick]?.end ?? 0));
    seek(time);
  };
  const open = (index) => {
    current = (index + holders.length) % holders.length;
    const data = entry(current);
    $("stages").replaceChildren();
    stages.length = 0;
    const source = $("picture-" + current).textContent.trim();
    for (const group of data.groups) stages.push(build(group.title, group.paths, source));
    if (!stages.length) stages.push(build("image", [], source));
    $("name").textContent = `${data.name}  (${data.width} × ${data.height})`;
    if (!$("viewer").open) $("viewer").showModal();
    time = 0;
    stages.forEach((stage) => choose(stage, 0));
    seek(matchMedia("(prefers-reduced-motion: reduce)").matches ? length : 0);
    play(!matchMedia("(prefers-reduced-motion: reduce)").matches);
    history.replaceState(null, "", "#" + current);
    $("viewer").dataset.index = current;
  };

  // ---- drawing
  const heatOf = (stage, wide, high) => {
    if (stage.heat?.width === wide && stage.heat?.height === high) return stage.heat;
    const scale = Math.min(1, 160 / Math.max(wide, high));
    const w = Math.max(1, Math.round(wide * scale)), h = Math.max(1, Math.round(high * scale));
    const field = new Float32Array(w * h), spread = 0.03 * Math.max(w, h), reach = Math.ceil(3 * spread);
    for (const { fixations } of stage.paths) for (const { x, y } of fixations) {
      if (x < 0 || x > 1 || y < 0 || y > 1) continue;
      const cx = x * w - 0.5, cy = y * h - 0.5;
      for (let r = Math.max(0, Math.ceil(cy - reach)); r <= Math.min(h - 1, cy + reach); r++)
        for (let c = Math.max(0, Math.ceil(cx - reach)); c <= Math.min(w - 1, cx + reach); c++)
          field[r * w + c] += Math.exp(-((c - cx) ** 2 + (r - cy) ** 2) / (2 * spread * spread));
    }
    const peak = field.reduce((a, b) => Math.max(a, b), 0) || 1;
    const small = new ImageData(w, h);
    field.forEach((value, i) => {
      const share = value / peak;
      small.data.set([...mix(HEAT, share), 205 * Math.sqrt(share)], 4 * i);
    });
    const sheet = document.createElement("canvas");
    sheet.width = w; sheet.height = h;
    sheet.getContext("2d").putImageData(small, 0, 0);
    const layer = document.createElement("canvas");
    layer.width = wide; layer.height = high;
    const pen = layer.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(sheet, 0, 0, wide, high);
    return (stage.heat = layer);
  };
  // A clear disc in a cased ring: what was looked at stays visible.
  const disc = (pen, mark, unit) => {
    const rim = Math.max(1, 1.1 * unit), inner = Math.max(1, 2 * unit);
    const radii = mark.index === 0 ? [mark.r, mark.r + inner + 3 * rim] : [mark.r];
    pen.beginPath();
    pen.arc(mark.x, mark.y, mark.r, 0, 2 * Math.PI);
    pen.globalAlpha = 0.22; pen.fillStyle = mark.color; pen.fill(); pen.globalAlpha = 1;
    for (const [extra, tint] of [[4 * rim, "#000"], [2 * rim, "#fff"], [0, mark.color]])
      for (const radius of radii) {
        pen.beginPath();
        pen.arc(mark.x, mark.y, radius, 0, 2 * Math.PI);
        pen.lineWidth = inner + extra; pen.strokeStyle = tint; pen.stroke();
      }
    if (!$("numbers").checked) return;
    const size = Math.max(9, 13 * unit), reach = 0.71 * mark.r + 0.75 * size + (mark.index === 0 ? 3 * rim : 0);
    pen.font = `bold ${size}px system-ui, "DejaVu Sans", sans-serif`;
    pen.textAlign = "center"; pen.textBaseline = "middle"; pen.lineJoin = "round";
    pen.lineWidth = size / 4; pen.strokeStyle = "#000"; pen.fillStyle = "#fff";
    pen.strokeText(mark.index + 1, mark.x + reach, mark.y - reach);
    pen.fillText(mark.index + 1, mark.x + reach, mark.y - reach);
  };
  const marksOf = (path, wide, high, unit) => {
    const count = path.fixations.length;
    const marks = [];
    path.fixations.forEach((f, index) => {
      if (f.start > time) return;
      const share = f.d > 0 ? Math.min(1, (time - f.start) / f.d) : 1;
      const full = unit * Math.min(45, Math.max(8, 15 * Math.sqrt(f.d / TYPICAL)));
      marks.push({ index, x: f.x * wide, y: f.y * high, r: full * (0.35 + 0.65 * share), color: css(mix(GRADIENT, index / Math.max(1, count - 1))) });
    });
    return $("trail").checked ? marks : marks.slice(-1);
  };
  const paint = (stage) => {
    const data = entry(current), canvas = stage.canvas, ratio = window.devicePixelRatio || 1;
    const roomW = canvas.clientWidth, roomH = canvas.clientHeight;
    if (!roomW || !roomH) return;
    const fit = Math.min(roomW / data.width, roomH / data.height);
    const wide = Math.max(1, Math.round(data.width * fit * ratio)), high = Math.max(1, Math.round(data.height * fit * ratio));
    if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, wide, high);
    const heat = $("density").checked;
    stage.box.classList.toggle("dim", heat);
    if (heat) pen.drawImage(heatOf(stage, wide, high), 0, 0);
    const path = stage.paths[stage.pick];
    if (!path) return;
    const unit = Math.max(0.45 * ratio, Math.sqrt(wide * high) / Math.sqrt(480000));
    const marks = marksOf(path, wide, high, unit);
    $("viewer").style.setProperty("--unit", unit / ratio);
    const rim = Math.max(1, 1.1 * unit), inner = Math.max(1, 2 * unit);
    for (const [extra, tint] of [[4 * rim, "#000"], [2 * rim, "#fff"], [0, null]])
      marks.slice(1).forEach((mark, i) => {
        const from = marks[i], dx = mark.x - from.x, dy = mark.y - from.y, length = Math.hypot(dx, dy);
        if (length <= from.r + mark.r) return;
        pen.beginPath();
        pen.moveTo(from.x + dx * from.r / length, from.y + dy * from.r / length);
        pen.lineTo(mark.x - dx * mark.r / length, mark.y - dy * mark.r / length);
        pen.lineWidth = inner + extra;
        pen.strokeStyle = tint ?? from.color;
        pen.stroke();
      });
    marks.sort((a, b) => b.r - a.r).forEach((mark) => disc(pen, mark, unit));
  };
  const draw = () => {
    if (current < 0) return;
    stages.forEach(paint);
    $("clock").textContent = `${time.toFixed(2)} / ${length.toFixed(2)} s`;
    $("scrub").value = length ? Math.round((time / length) * 1000) : 0;
    $("viewer").dataset.time = time.toFixed(3);
    $("viewer").dataset.playing = playing;
  };

  // ---- time
  const seek = (to) => { time = Math.min(Math.max(to, 0), length); draw(); };
  const play = (on) => {
    if (on && time >= length) time = 0;
    playing = on && length > 0;
    $("play").textContent = playing ? "pause" : "play";
    cancelAnimationFrame(asked);
    last = performance.now();
    if (playing) asked = requestAnimationFrame(tick);
    draw();
  };
  const tick = (now) => {
    if (!playing) return;
    const to = time + (Math.max(0, now - last) / 1000) * Number($("speed").value);
    last = now;
    seek(to);
    if (to >= length) return play(false);
    asked = requestAnimationFrame(tick);
  };
  const step = (by) => {
    const path = stages[0]?.paths[stages[0].pick];
    if (!path) return;
    play(false);
    const starts = path.fixations.map((f) => f.start + f.d);
    const wanted = by > 0 ? starts.find((s) => s > time + 1e-6) : starts.findLast((s) => s < time - 1e-6);
    seek(wanted ?? (by > 0 ? length : 0));
  };
  const faster = (by) => {
    const choice = $("speed");
    choice.selectedIndex = Math.min(choice.options.length - 1, Math.max(0, choice.selectedIndex + by));
  };
  const flip = (id) => { $(id).checked = !$(id).checked; draw(); };
  const close = () => $("viewer").close();
  const move = (by) => {
    let to = current;
    do { to = (to + by + holders.length) % holders.length; } while (cards[to].hidden && to !== current);
    open(to);
  };

  $("play").addEventListener("click", () => play(!playing));
  $("scrub").addEventListener("input", (event) => {
    const to = (event.target.value / 1000) * length;  // read first: pausing redraws the slider
    play(false);
    seek(to);
  });
  $("previous").addEventListener("click", () => move(-1));
  $("next").addEventListener("click", () => move(1));
  $("close").addEventListener("click", close);
  for (const id of ["density", "trail", "numbers"]) $(id).addEventListener("change", draw);
  $("viewer").addEventListener("close", () => {
    play(false);
    history.replaceState(null, "", location.pathname + location.search);
    cards[current]?.focus();
    $("stages").replaceChildren();
    stages.length = 0;
    current = -1;
  });
  const keys = {
    " ": () => play(!playing), ArrowLeft: () => move(-1), ArrowRight: () => move(1),
    ArrowDown: () => stages.forEach((s) => choose(s, s.pick + 1)), ArrowUp: () => stages.forEach((s) => choose(s, s.pick - 1)),
    ",": () => step(-1), ".": () => step(1), Home: () => seek(0), End: () => seek(length),
    d: () => flip("density"), t: () => flip("trail"), n: () => flip("numbers"),
    "+": () => faster(1), "=": () => faster(1), "-": () => faster(-1),
  };
  document.addEventListener("keydown", (event) => {
    if (!$("viewer").open || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.id === "speed") return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act) { event.preventDefault(); act(); }
  });
  // A focused button would be pressed by the space key's release.
  document.addEventListener("keyup", (event) => {
    if ($("viewer").open && event.key === " " && event.target.id !== "speed") event.preventDefault();
  });
  const linked = Number.parseInt(location.hash.slice(1), 10);
  if (linked >= 0 && linked < holders.length) open(linked);
  document.documentElement.dataset.ready = "true";
})();
