// The maps of samples, coloured by class, donor, batch or any other column.
import { scatter } from "./scatter.js";
import { color, element, menu } from "./text.js";

export function mapPart(data, onSample) {
  const part = document.querySelector("#map");
  if (!part || !data.map) return () => {};
  const { maps, columns, samples, moved, called } = data.map;
  const output = part.querySelector(".pointed");
  const key = part.querySelector(".key");
  let map = 0;
  let column = 0;
  let chosen = -1; // a value of the column that stands out
  let marked = "";
  const text = (i) => `${samples[i]}: ${columns[0].values[columns[0].codes[i]]}${moved[i] ? `, moved to ${data.target}` : ""}, called ${called[i]}${column ? `, ${columns[column].name} ${columns[column].values[columns[column].codes[i]]}` : ""}`;
  const draw = () => {
    const { x, y, share, title } = maps[map];
    const { codes, colours } = columns[column];
    const ink = color("ink");
    const points = samples.map((name, i) => ({
      x: x[i], y: y[i], i, name, colour: colours[codes[i]] === "#111111" ? ink : colours[codes[i]], shape: moved[i] ? "hollow" : "dot", large: name === marked,
      faded: (chosen >= 0 && codes[i] !== chosen) || (marked !== "" && name !== marked),
    }));
    const axis = (n) => (share ? `component ${n} (${Math.round(100 * share[n - 1])}% of variance)` : `t-SNE ${n}`);
    scatter(part.querySelector(".plot"), points, {
      height: 400, size: 3, bare: true, xTitle: axis(1), yTitle: axis(2), label: `${title}, ${samples.length} points`,
      onPoint: (point) => { output.textContent = point ? text(point.i) : ""; },
      onPick: (point) => { output.textContent = text(point.i); onSample(point.name); },
    });
    key.replaceChildren(...columns[column].values.map((name, i) => {
      const dot = element("span", { class: "dot", "aria-hidden": "true" });
      dot.style.background = colours[i] === "#111111" ? ink : colours[i];
      const button = element("button", { type: "button", "aria-pressed": String(chosen === i) }, dot, name);
      button.addEventListener("click", () => { chosen = chosen === i ? -1 : i; draw(); key.children[i].focus(); });
      return button;
    }));
  };
  const menus = [
    [maps, menu("Map", maps.map((one) => one.title), (i) => { map = i; draw(); })],
    [columns, menu("Colour by", columns.map((one) => one.name), (i) => { column = i; chosen = -1; draw(); })],
  ];
  part.querySelector(".tools").replaceChildren(...menus.filter(([choices]) => choices.length > 1).map(([, one]) => one));
  draw();
  window.addEventListener("resize", draw);
  return (sample) => { marked = samples.includes(sample) ? sample : ""; draw(); };
}
