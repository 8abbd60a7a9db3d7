"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  // Okabe and Ito's palette: told apart with every common kind of colour blindness; shapes and dashes differ too.
  const colours = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8c7a00", "#808080"];
  const shapes = ["circle", "rect", "triangle", "rectRot", "star", "crossRot", "cross", "dash"];
  const dashes = [[], [6, 3], [2, 3], [8, 3, 2, 3]];
  const charts = [];
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const $ = (id) => document.getElementById(id);
  const percent = (share) => (share === null ? null : 100 * share);
  const kib = (bytes) => bytes / 1024;

  function axis(title, more) {
    return Object.assign({ title: { display: true, text: title }, grid: {}, ticks: { maxRotation: 60 } }, more);
  }

  // Colours follow the page, which follows the reader's light or dark setting, and are light in print.
  function paint(chart) {
    const ink = css("--soft"), line = css("--line");
    for (const scale of Object.values(chart.options.scales)) {
      scale.title.color = ink;
      scale.ticks.color = ink;
      scale.grid.color = line;
    }
    chart.options.plugins.legend.labels.color = css("--ink");
  }

  function draw(id, config) {
    const canvas = $(id);
    if (!canvas) return null;
    config.options = Object.assign({ responsive: true, maintainAspectRatio: false, animation: false }, config.options);
    config.options.plugins = Object.assign({ legend: {} }, config.options.plugins);
    config.options.plugins.legend.labels = { usePointStyle: true, boxHeight: 6, boxWidth: 10 };
    const chart = new Chart(canvas, config);
    paint(chart);
    chart.update("none");
    charts.push(chart);
    return chart;
  }

  function line(label, points, i, more) {
    const color = colours[i % colours.length];
    return Object.assign({
      label, data: points, borderColor: color, backgroundColor: color, borderWidth: 2, tension: 0, spanGaps: true,
      borderDash: dashes[i % dashes.length], pointStyle: shapes[i % shapes.length], pointRadius: points.length > 60 ? 0 : 3,
    }, more);
  }

  const epochAxis = axis("epoch", { type: "linear", ticks: { precision: 0 }, grace: 0 });
  const interaction = { mode: "index", intersect: false };

  function runCharts() {
    const at = (pick) => data.epochs.map((e) => ({ x: e.epoch, y: pick(e) }));
    const split = data.split || "evaluation";
    draw("accuracy", {
      type: "line",
      data: { datasets: [line(split, at((e) => percent(e.top1)), 0), line("training", at((e) => percent(e.train_top1)), 1)] },
      options: { interaction, scales: { x: { ...epochAxis }, y: axis("top-1 accuracy (%)") } },
    });
    const size = [
      line("packed", at((e) => kib(e.packed_bytes)), 0),
      line("learned", at((e) => kib(e.learned_bytes)), 1),
    ];
    if (data.removed.length) {
      const packed = new Map(data.epochs.map((e) => [e.epoch, kib(e.packed_bytes)]));
      const points = data.removed.filter((r) => packed.has(r.epoch)).map((r) => ({ x: r.epoch, y: packed.get(r.epoch), n: r.channels }));
      size.push(line("channels removed", points, 4, { showLine: false, pointStyle: "triangle", pointRadius: 6, order: -1 }));
    }
    draw("size", {
      type: "line", data: { datasets: size },
      options: {
        interaction: { mode: "nearest", intersect: false },
        scales: { x: { ...epochAxis }, y: axis("size of the weights (KiB)", { beginAtZero: true }) },
        plugins: {
          tooltip: { callbacks: { label: (item) => item.raw.n ? `${item.raw.n} channels removed` : `${item.dataset.label}: ${item.parsed.y.toFixed(2)} KiB` } },
        },
      },
    });
    draw("seconds", {
      type: "bar",
      data: {
        labels: data.epochs.map((e) => e.epoch),
        datasets: [{ label: "training steps", data: data.epochs.map((e) => e.train_seconds), backgroundColor: colours[0] }],
      },
      options: { scales: { x: axis("epoch"), y: axis("time (s)", { beginAtZero: true }) }, plugins: { legend: { display: false } } },
    });
    const names = data.layers.map((l) => l.layer);
    draw("channels", {
      type: "bar",
      data: {
        labels: names,
        datasets: [
          { label: "before", data: data.layers.map((l) => l.original_channels), backgroundColor: "#9aa5b1" },
          { label: "after", data: data.layers.map((l) => l.channels), backgroundColor: colours[0] },
        ],
      },
      options: { interaction, scales: { x: axis("layer"), y: axis("output channels", { beginAtZero: true }) } },
    });
    draw("bits", {
      type: "bar",
      data: {
        labels: names,
        datasets: [{ label: "mean bits", data: data.layers.map((l) => l.mean_bits), backgroundColor: colours[2] }],
      },
      options: {
        scales: { x: axis("layer"), y: axis("bits per weight", { beginAtZero: true }) },
        plugins: { legend: { display: false } },
      },
    });
    heatMap($("heat"));
  }

  // Viridis at 0, 1/4, .. 1: even in lightness, safe for colour blindness and in grey.
  const viridis = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  function shade(share) {
    const at = Math.min(3.999, Math.max(0, share * 4)), i = Math.floor(at), f = at - i;
    return `rgb(${viridis[i].map((c, k) => Math.round(c + f * (viridis[i + 1][k] - c))).join(",")})`;
  }

  function svg(parent, tag, attributes, text) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    parent.appendChild(node);
    return node;
  }

  function heatMap(place) {
    if (!place || !data.heat.epochs.length) return;
    const { layers, epochs, bits } = data.heat;
    const top = Math.max(1, ...bits.flat().filter((b) => b !== null && b < 32));
    const left = 12 + 7 * Math.max(...layers.map((l) => Math.min(24, l.length)));
    const row = 20, cell = Math.max(6, Math.min(42, Math.floor((Math.max(300, place.clientWidth) - left - 20) / epochs.length)));
    const width = Math.max(left + cell * epochs.length + 20, 320), height = row * layers.length + 78;
    const root = svg(place, "svg", { width, height, role: "img", "aria-label": "mean bits by layer and epoch" });
    layers.forEach((name, y) => {
      svg(root, "text", { x: left - 6, y: y * row + 14, "text-anchor": "end" }, name.length > 24 ? name.slice(0, 23) + "…" : name);
      epochs.forEach((epoch, x) => {
        const b = bits[y][x];
        const box = svg(root, "rect", {
          x: left + x * cell, y: y * row, width: cell - (cell > 12 ? 1 : 0), height: row - 1, fill: b === null ? "none" : shade(b / top),
        });
        svg(box, "title", {}, `${name}, epoch ${epoch}: ${b === null ? "no channel left" : b.toFixed(2) + " bits"}`);
      });
    });
    const every = Math.ceil(30 / cell), base = row * layers.length;
    epochs.forEach((epoch, x) => {
      if (x % every === 0) svg(root, "text", { x: left + (x + 0.5) * cell, y: base + 14, "text-anchor": "middle" }, epoch);
    });
    svg(root, "text", { x: left, y: base + 32 }, "epoch");
    for (let i = 0; i < 60; ++i) svg(root, "rect", { x: left + i * 3, y: base + 42, width: 3, height: 10, fill: shade(i / 59) });
    svg(root, "text", { x: left, y: base + 68 }, "0");
    svg(root, "text", { x: left + 180, y: base + 68, "text-anchor": "end" }, `${top.toFixed(1)} bits per weight`);
  }

  // Names beside the points of the scatter chart, where there is room for them.
  const names = {
    id: "names",
    afterDatasetsDraw(chart) {
      const ctx = chart.ctx, taken = [];
      ctx.save();
      ctx.font = "12px system-ui, sans-serif";
      ctx.fillStyle = css("--ink");
      chart.data.datasets.forEach((set, d) => chart.getDatasetMeta(d).data.forEach((point, i) => {
        const text = set.data[i].label, w = ctx.measureText(text).width;
        const fits = point.x + 9 + w < chart.chartArea.right;
        const x = fits ? point.x + 9 : point.x - 9 - w;
        const clash = (y) => taken.some((t) => Math.abs(t.y - y) < 13 && x < t.x + t.w && t.x < x + w);
        const y = [4, -9, 17].map((dy) => point.y + dy).find((v) => !clash(v));
        if (y === undefined) return;
        taken.push({ x, y, w });
        ctx.fillText(text, x, y);
      }));
      ctx.restore();
    },
  };

  function comparisonCharts() {
    const methods = [...new Set(data.runs.map((r) => r.method))];
    draw("pareto", {
      type: "scatter", plugins: [names],
      data: {
        datasets: methods.map((method, i) => ({
          label: method, backgroundColor: colours[i % colours.length], borderColor: colours[i % colours.length],
          pointStyle: shapes[i % shapes.length], pointRadius: 6, pointHoverRadius: 8, borderWidth: 2,
          data: data.runs.filter((r) => r.method === method && r.top1 !== null && r.file_bytes > 0)
            .map((r) => ({ x: r.file_bytes / 1000, y: percent(r.top1), label: r.label })),
        })),
      },
      options: {
        scales: {
          x: axis("model file (kB, 1000 bytes; logarithmic)", { type: "logarithmic", ticks: { callback: (v) => /^[125]/.test(Number(v).toExponential()) ? Number(v) : "" } }),
          y: axis("test top-1 accuracy (%)", { grace: "8%" }),
        },
        plugins: {
          tooltip: { callbacks: { label: (item) => `${item.raw.label}: ${item.parsed.y.toFixed(2)}%, ${item.parsed.x.toFixed(3)} kB` } },
        },
      },
    });
    const overlay = (id, title, pick, more) => draw(id, {
      type: "line",
      data: { datasets: data.runs.map((r, i) => line(r.label, r.epochs.map((e) => ({ x: e.epoch, y: pick(e) })), i)) },
      options: { interaction: { mode: "nearest", intersect: false }, scales: { x: { ...epochAxis }, y: axis(title, more) } },
    });
    overlay("sizes", "packed weights (KiB)", (e) => kib(e.packed_bytes), { beginAtZero: true });
    overlay("accuracies", "top-1 accuracy (%)", (e) => percent(e.top1));
    overlay("times", "training steps (s)", (e) => e.train_seconds, { beginAtZero: true });
  }

  function start() {
    if (typeof Chart === "undefined") {
      document.querySelectorAll(".plot").forEach((p) => { p.textContent = "This program was built without Chart.js: install libjs-chart.js and build again for charts."; });
      heatMap($("heat"));
      return;
    }
    Chart.defaults.font.family = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif";
    if (data.runs) comparisonCharts(); else runCharts();
    const again = () => charts.forEach((c) => { paint(c); c.resize(); c.update("none"); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    matchMedia("print").addEventListener("change", again);
    addEventListener("beforeprint", again);
    addEventListener("afterprint", again);
  }
  start();
})();
