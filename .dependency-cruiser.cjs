/**
 * The one-way road: a room imports only from the rooms listed before it (docs/DESIGN.md).
 * Adding a room means adding its name here, in its place.
 */
const rooms = [
  "descriptor",
  "module",
  "model",
  "zoo",
  "compiler",
  "frames",
  "wire",
  "emulator",
  "transport",
  "flash",
  "board",
  "measure",
  "cli",
];

module.exports = {
  forbidden: [
    ...rooms.slice(0, -1).map((room, index) => ({
      name: `${room}-looks-only-up`,
      comment: `host/${room}/ may import only from ${rooms.slice(0, index).join(", ") || "no other room"}`,
      severity: "error",
      from: { path: `^host/${room}/` },
      to: { path: `^host/(${rooms.slice(index + 1).join("|")})/` },
    })),
    {
      name: "cli-is-the-top",
      comment: "the library never reaches into the command line",
      severity: "error",
      from: { path: "^host/[^/]+\\.ts$" },
      to: { path: "^host/cli/" },
    },
    { name: "no-circles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "declared-dependencies-only",
      severity: "error",
      from: { path: "^host" },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "npm-dev"], dependencyTypesNot: ["type-only"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "types", "default"],
    },
  },
};
