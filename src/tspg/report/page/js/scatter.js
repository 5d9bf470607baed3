// A scatter plot of up to tens of thousands of points: points on a canvas, axes and labels as SVG, linked by number.
import { color, element } from "./text.js";

const MARGIN = { top: 10, right: 14, bottom: 40, left: 50 };
const NEAR = 14; // pixels from the pointer

function frame(holder, height) {
  holder.replaceChildren();
  const width = Math.max(240, holder.clientWidth);
  const ratio = window.devicePixelRatio || 1;
  const canvas = element("canvas", { width: width * ratio, height: height * ratio, "aria-hidden": "true" });
  canvas.style.cssText = `width:${width}px;height:${height}px`;
  const svg = libraries.select(holder).append("svg").attr("width", width).attr("height", height).attr("role", "img");
  holder.prepend(canvas);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return { width, canvas, svg, context };
}

const spread = (values) => {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) if (Number.isFinite(value)) { low = Math.min(low, value); high = Math.max(high, value); }
  const room = (high - low || 1) * 0.04;
  return [low - room, high + room];
};

function axes(svg, x, y, width, height, { xTitle, yTitle, bare }) {
  if (!bare) {
    svg.append("g").attr("transform", `translate(0,${height - MARGIN.bottom})`).call(libraries.axisBottom(x).ticks(4));
    svg.append("g").attr("transform", `translate(${MARGIN.left},0)`).call(libraries.axisLeft(y).ticks(4));
  }
  svg.append("text").attr("class", "title").attr("x", (MARGIN.left + width) / 2).attr("y", height - 6).text(xTitle);
  svg.append("text").attr("class", "title").attr("transform", `translate(12,${(height - MARGIN.bottom) / 2}) rotate(-90)`).text(yTitle);
}

/* Draws `points` {x, y, colour, name, shape?, faded?}; `labelled` are numbers of points whose names are written.
   `onPick` gets the number of a point that was clicked, `onPoint` that of the one under the pointer (or -1). */
export function scatter(holder, points, options) {
  const height = options.height ?? 310;
  const { width, canvas, svg, context } = frame(holder, height);
  svg.attr("aria-label", options.label);
  const x = libraries.scaleLinear(spread(points.map((point) => point.x)), [MARGIN.left, width - MARGIN.right]);
  const y = libraries.scaleLinear(spread(points.map((point) => point.y)), [height - MARGIN.bottom, MARGIN.top]);
  axes(svg, x, y, width, height, options);
  const drawn = points.filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
  for (const at of options.lines ?? []) {
    svg.append("line").attr("class", "limit").attr("x1", MARGIN.left).attr("x2", width - MARGIN.right).attr("y1", y(at)).attr("y2", y(at));
  }
  signs(context, drawn, x, y, options.size ?? 2);
  labels(svg, (options.labelled ?? []).map((i) => points[i]).filter((point) => drawn.includes(point)), x, y, width);
  const tree = libraries.quadtree(drawn, (point) => x(point.x), (point) => y(point.y));
  const ring = svg.append("circle").attr("class", "ring").attr("r", 6).attr("visibility", "hidden");
  const near = (event) => {
    const box = canvas.getBoundingClientRect();
    return tree.find(event.clientX - box.left, event.clientY - box.top, NEAR);
  };
  const mark = (point) => {
    ring.attr("visibility", point ? "visible" : "hidden");
    if (point) ring.attr("cx", x(point.x)).attr("cy", y(point.y));
  };
  holder.onpointermove = (event) => { const point = near(event); mark(point); options.onPoint?.(point); };
  holder.onpointerleave = () => { mark(null); options.onPoint?.(null); };
  holder.onclick = (event) => { const point = near(event); if (point) options.onPick?.(point); };
  return { mark };
}

// Points of one colour and shape are one path: tens of thousands take milliseconds.
function signs(context, points, x, y, size) {
  const alike = new Map();
  for (const point of points) {
    const key = `${point.faded ? 0 : 1} ${point.large ? 1 : 0} ${point.shape ?? ""} ${point.colour}`;
    if (!alike.has(key)) alike.set(key, []);
    alike.get(key).push(point);
  }
  for (const [, group] of [...alike].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const { colour, shape, faded, large } = group[0];
    const radius = (shape === "hollow" ? size + 0.6 : size) * (large ? 2 : 1);
    context.globalAlpha = faded ? 0.15 : 0.75;
    context.beginPath();
    for (const point of group) {
      context.moveTo(x(point.x) + radius, y(point.y));
      context.arc(x(point.x), y(point.y), radius, 0, 2 * Math.PI);
    }
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 1.4;
    if (shape === "hollow") context.stroke(); else context.fill("nonzero");
  }
}

// Names beside their points, each left out where it would lie on one that is written.
function labels(svg, points, x, y, width) {
  const taken = [];
  for (const point of points) {
    const wide = 6.6 * Math.min(point.name.length, 18);
    const isRight = x(point.x) + wide + 6 < width - MARGIN.right;
    const box = { left: isRight ? x(point.x) + 5 : x(point.x) - 5 - wide, top: y(point.y) - 6, wide };
    if (!taken.some((one) => box.left < one.left + one.wide && one.left < box.left + wide && Math.abs(one.top - box.top) < 11)) {
      taken.push(box);
      const name = point.name.length > 18 ? `${point.name.slice(0, 17)}…` : point.name;
      const label = svg.append("text").attr("class", "label").attr("x", isRight ? box.left : box.left + wide).attr("y", y(point.y) + 3.5)
        .attr("text-anchor", isRight ? "start" : "end").attr("fill", color("ink")).text(name);
      if (point.gene) label.attr("data-gene", point.gene);
    }
  }
}
