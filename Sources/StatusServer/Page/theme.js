// Runs before the first paint, so that a theme that was chosen doesn't come as a flash after the other one.
"use strict";
try {
  const theme = localStorage.getItem("rollcall.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden: then the system's theme it is.
}
