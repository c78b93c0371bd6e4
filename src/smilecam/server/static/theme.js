// Sets the theme before anything is drawn; the switch in the page changes it.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const wanted = () => { try { return localStorage.getItem("theme") ?? "auto"; } catch { return "auto"; } };
  const apply = (name = wanted()) => {
    document.documentElement.dataset.theme = name === "auto" ? (dark.matches ? "dark" : "light") : name;
  };
  dark.addEventListener("change", () => apply());
  apply();
  window.smilecamTheme = {
    next() {
      const names = ["auto", "light", "dark"];
      const name = names[(names.indexOf(wanted()) + 1) % names.length];
      try { localStorage.setItem("theme", name); } catch { /* not kept, then */ }
      apply(name);
      return name;
    },
  };
})();
