// Light or dark, before anything is painted. Loaded in the head, so it must stay small.
"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    let chosen = null;
    try { chosen = localStorage.getItem("ledgerdesk.theme"); } catch { /* storage is off: the system decides */ }
    const root = document.documentElement;
    root.dataset.theme = chosen || "system";
    root.classList.toggle("dark", chosen ? chosen === "dark" : dark.matches);
  };
  apply();
  dark.addEventListener("change", apply);
  window.addEventListener("storage", apply); // chosen in another tab
  window.addEventListener("ledgerdesk:theme", apply);
})();
