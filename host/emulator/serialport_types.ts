/**
 * serialport's interface for bindings. Its package tells only CommonJS where its types lie, so an ECMAScript module
 * has to ask for them as one.
 */
export type EmulatorBindingInterface = import("@serialport/bindings-interface", { with: {
  "resolution-mode": "require",
}}).BindingInterface<BindingPortInterface, OpenOptions, PortInfo>;
export type BindingPortInterface = import("@serialport/bindings-interface", { with: {
  "resolution-mode": "require",
}}).BindingPortInterface;
export type OpenOptions = import("@serialport/bindings-interface", { with: {
  "resolution-mode": "require",
}}).OpenOptions;
export type PortInfo = import("@serialport/bindings-interface", { with: {
  "resolution-mode": "require",
}}).PortInfo;
export type PortStatus = import("@serialport/bindings-interface", { with: {
  "resolution-mode": "require",
}}).PortStatus;
export type SetOptions = import("@serialport/bindings-interface", { with: {
  "resolution-mode": "require",
}}).SetOptions;
export type UpdateOptions = import("@serialport/bindings-interface", { with: {
  "resolution-mode": "require",
}}).UpdateOptions;
