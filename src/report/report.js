"use strict";
// Draws the figures that report/figure.cpp describes; each one's drawing (SVG) is in the page already, for print and for
// readers without JavaScript.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const charts = [];
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Colours follow the page, which follows the reader's light or dark setting.
  function paint(chart) {
    for (const scale of Object.values(chart.options.scales)) {
      scale.title.color = scale.ticks.color = css("--soft");
      scale.grid.color = css("--line");
    }
    chart.options.plugins.legend.labels.color = css("--ink");
  }

  function axis({ title, min, max, ticks, logarithmic }) {
    return {
      type: logarithmic ? "logarithmic" : "linear", min, max, title: { display: true, text: title }, grid: {},
      ticks: { maxRotation: 60, callback: (value, i, shown) => (shown[i] || {}).text },
      afterBuildTicks: (scale) => { scale.ticks = ticks.map(([value, text]) => ({ value, text })); },
    };
  }

  function dataset(series, kind) {
    const fill = series.hollow ? "transparent" : series.colour;
    if (kind === "bars") {
      return { label: series.label, data: series.points, borderColor: series.colour, backgroundColor: fill, borderWidth: 1.5 };
    }
    const radius = series.marks ? (kind !== "points" ? 3.5 : series.hollow ? 8 : 6) : 0;
    return {
      label: series.label, data: series.points, borderColor: series.colour, backgroundColor: fill, borderWidth: 2,
      borderDash: series.dash ? series.dash.split(" ").map(Number) : [], pointStyle: series.shape, pointRadius: radius,
      pointHoverRadius: radius + 2, showLine: series.joined, stepped: series.stepped && "before", spanGaps: true,
    };
  }

  // Whiskers, and names beside the points where there is room (as figure_svg.cpp does).
  const extras = {
    id: "extras",
    afterDatasetsDraw(chart, _, { named }) {
      const { ctx, chartArea, scales } = chart, taken = [];
      ctx.save();
      ctx.font = "12px " + Chart.defaults.font.family;
      ctx.fillStyle = css("--ink");
      chart.data.datasets.forEach((set, d) => {
        const meta = chart.getDatasetMeta(d);
        if (meta.hidden) return;
        meta.data.forEach((element, i) => {
          const point = set.data[i], { x, y } = element;
          ctx.strokeStyle = named ? set.borderColor : css("--ink");
          ctx.lineWidth = 1.2;
          ctx.beginPath();
          for (const end of point.ys || []) {
            const at = scales.y.getPixelForValue(end);
            ctx.moveTo(x, y); ctx.lineTo(x, at); ctx.moveTo(x - 3, at); ctx.lineTo(x + 3, at);
          }
          for (const end of point.xs || []) {
            const at = scales.x.getPixelForValue(end);
            ctx.moveTo(x, y); ctx.lineTo(at, y); ctx.moveTo(at, y - 3); ctx.lineTo(at, y + 3);
          }
          ctx.stroke();
          if (!named || !point.name || taken.some((t) => t.name === point.name)) return;
          const width = ctx.measureText(point.name).width;
          if (width > 0.4 * chartArea.width) return;  // on a phone: the tooltip has it
          const left = x + 9 + width < chartArea.right ? x + 9 : Math.max(chartArea.left + 2, x - 9 - width);
          const free = (at) => !taken.some((t) => Math.abs(t.at - at) < 13 && left < t.left + t.width && t.left < left + width);
          const at = [-7, 15, -20, 28].map((dy) => y + dy).find(free);
          if (at === undefined) return;
          taken.push({ at, left, width, name: point.name });
          ctx.fillText(point.name, left, at);
        });
      });
      ctx.restore();
    },
  };

  function draw(figure) {
    const { kind, series, categories } = figure;
    const bars = kind === "bars";
    const x = axis(figure.x), y = axis(figure.y);
    const chart = new Chart(document.getElementById(figure.id), {
      type: bars ? "bar" : kind === "lines" ? "line" : "scatter",
      plugins: [extras],
      data: { labels: bars ? categories : undefined, datasets: series.map((s) => dataset(s, kind)) },
      options: {
        responsive: true, maintainAspectRatio: false, animation: false,
        interaction: kind === "points" ? { mode: "nearest", intersect: true } : { mode: bars ? "index" : "nearest", axis: "x", intersect: false },
        scales: { x: bars ? { title: x.title, grid: {}, ticks: { maxRotation: 90 } } : x, y },
        plugins: {
          extras: { named: kind === "points" },
          legend: { display: series.length > 1, labels: { usePointStyle: !bars, boxHeight: 7, boxWidth: bars ? 14 : 10 } },
          tooltip: {
            callbacks: {
              title: ([item]) => (!item || kind === "points" ? "" : `${figure.x.title} ${item.label}`),
              label: ({ raw, dataset: set }) => raw.note || `${set.label}: ${raw.y.toFixed(figure.y.decimals)}`,
            },
          },
        },
      },
    });
    paint(chart);
    chart.update("none");
    charts.push(chart);
  }

  // The heat map is a canvas with a pixel for each cell, which the style sheet stretches; around it are lines of text.
  function heatMap(box) {
    const { csv, layers, colours, top } = data.heat;
    const [head, ...rows] = csv.trimEnd().split("\n").map((line) => line.split(","));
    const epochs = head.slice(2), canvas = box.querySelector("canvas"), tip = box.querySelector(".tip");
    const shades = colours.map((c) => [1, 3, 5].map((at) => parseInt(c.slice(at, at + 2), 16)));
    let shown = rows;

    function label(place, className, share, text) {
      const span = document.createElement("span");
      span.className = className;
      span.style[className === "column" ? "left" : "top"] = `${100 * share}%`;
      span.textContent = text;
      place.appendChild(span);
      return span;
    }

    // Names of uneven distances: those that would stand on the one before are left out.
    function thin(place) {
      let end = -Infinity;
      for (const span of place.children) {
        const { top, bottom } = span.getBoundingClientRect();
        if (top < end) span.style.visibility = "hidden";
        else end = bottom;
      }
    }

    // Numbers at even distances: as many as `room` pixels hold at `needs` pixels each.
    function count(place, className, numbers, room, needs) {
      const every = Math.ceil((needs * numbers.length) / Math.max(1, room));
      numbers.forEach((number, i) => { if (i % every === 0) label(place, className, (i + 0.5) / numbers.length, number); });
    }

    function show(layer) {
      shown = layer ? rows.filter((row) => row[0] === layer) : rows;
      canvas.width = epochs.length;
      canvas.height = shown.length;
      canvas.style.height = `${Math.max(120, Math.min(640, 14 * shown.length))}px`;
      const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
      shown.forEach((row, y) => epochs.forEach((_, x) => {
        if (row[x + 2] === "") return;  // stays transparent: the channel is gone
        const level = Math.round((row[x + 2] / top) * (shades.length - 1));
        image.data.set([...shades[Math.max(0, Math.min(shades.length - 1, level))], 255], 4 * (y * canvas.width + x));
      }));
      context.putImageData(image, 0, 0);
      const side = box.querySelector(".rows"), below = box.querySelector(".columns");
      side.replaceChildren();
      below.replaceChildren();
      box.querySelectorAll(".border").forEach((line) => line.remove());
      side.style.width = `${Math.min(18, layer ? 5 : Math.max(...layers.map((name) => name.length)))}ch`;
      if (layer) {
        count(side, "row", shown.map((row) => row[1]), canvas.offsetHeight, 15);
      } else {
        for (const name of layers) {
          const first = rows.findIndex((row) => row[0] === name), channels = rows.filter((row) => row[0] === name).length;
          label(side, "row", (first + channels / 2) / rows.length, name);
          if (first) label(canvas.parentElement, "border", first / rows.length, "");
        }
        thin(side);
      }
      count(below, "column", epochs, canvas.offsetWidth, 10 + 8 * epochs[epochs.length - 1].length);
    }

    function point({ clientX, clientY }) {
      const area = canvas.getBoundingClientRect();
      const x = Math.floor(((clientX - area.left) / area.width) * epochs.length);
      const row = shown[Math.floor(((clientY - area.top) / area.height) * shown.length)];
      if (!row || row[x + 2] === undefined || x < 0) return;
      tip.textContent = `${row[0]}, channel ${row[1]}, epoch ${epochs[x]}: ${row[x + 2] === "" ? "removed" : Number(row[x + 2]).toFixed(2) + " bits"}`;
    }

    const key = box.querySelector(".key"), bar = document.createElement("span"), hatch = document.createElement("span");
    bar.className = "bar";
    bar.style.background = `linear-gradient(to right, ${colours.join(",")})`;
    hatch.className = "hatch";
    key.append("0 ", bar, ` ${top.toFixed(1)} bits`, hatch, " removed");
    const select = box.querySelector("select");
    select.addEventListener("change", () => {
      tip.textContent = "";
      show(select.value);
    });
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    addEventListener("resize", () => show(select.value));
    show(select.value);
  }

  function sortable(table) {
    const body = table.tBodies[0];
    table.querySelectorAll("thead th").forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.appendChild(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const text = (row) => row.cells[column].textContent;
        const number = (row) => parseFloat(text(row).replaceAll(",", ""));
        const order = (a, b) => {
          const [p, q] = [number(a), number(b)];
          if (Number.isNaN(p) || Number.isNaN(q)) return Number.isNaN(p) - Number.isNaN(q) || text(a).localeCompare(text(b));
          return p - q;
        };
        body.append(...[...body.rows].sort((a, b) => (down ? order(b, a) : order(a, b))));
      });
    });
  }

  function save(button) {
    const figure = button.closest("figure"), kind = button.dataset.save;
    const id = figure.id || figure.querySelector("canvas").id;
    const described = data.figures.find((f) => f.id === id) || data.heat;
    const text = kind === "csv" ? described.csv : figure.querySelector("svg").outerHTML;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind === "csv" ? "text/csv" : "image/svg+xml" }));
    link.download = `${id}.${kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // A chart that fails leaves the drawing that the page came with.
  function attempt(place, action) {
    place.classList.add("live");
    try {
      action();
    } catch (error) {
      place.classList.remove("live");
      console.error(error);
    }
  }

  Chart.defaults.font.family = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif";
  document.documentElement.classList.add("scripted");
  for (const figure of data.figures) attempt(document.getElementById(figure.id).parentElement, () => draw(figure));
  const heat = document.getElementById("bits");
  if (heat) attempt(heat, () => heatMap(heat));
  document.querySelectorAll("table.sortable").forEach(sortable);
  document.querySelectorAll("[data-save]").forEach((button) => button.addEventListener("click", () => save(button)));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach((chart) => { paint(chart); chart.update("none"); }));
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));
})();
