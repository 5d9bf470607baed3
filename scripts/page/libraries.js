// What the report page uses of its libraries; `npm run renew` packs this and nothing else into one file.
import {
  AccessorModule, ClipboardModule, DownloadModule, ExportModule, FilterModule, FormatModule, InteractionModule, PageModule, SortModule, Tabulator,
} from "tabulator-tables";

export { axisBottom, axisLeft } from "d3-axis";
export { quadtree } from "d3-quadtree";
export { scaleLinear } from "d3-scale";
export { interpolateRdBu, interpolateViridis } from "d3-scale-chromatic";
export { select } from "d3-selection";
export const tables = {
  Tabulator, AccessorModule, ClipboardModule, DownloadModule, ExportModule, FilterModule, FormatModule, InteractionModule, PageModule, SortModule,
};
