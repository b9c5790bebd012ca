"use strict";
(() => {
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const here = (id) => document.getElementById(id);
  const made = (tag, ...children) => {
    const element = document.createElement(tag);
    element.append(...children);
    return element;
  };
  /* The same in both languages, of which the style sheet shows one. */
  const both = (text) => ["en", "zh"].map((language) => {
    const span = made("span", text[language]);
    span.lang = language;
    return span;
  });
  const word = (key) => both(data.words[key]);

  all(".js").forEach((element) => { element.hidden = false; });

  /* Language */
  const speak = (language) => {
    root.lang = language;
    document.title = data.titles[language];
    all(".language").forEach((button) => button.setAttribute("aria-pressed", String(button.value === language)));
  };
  all(".language").forEach((button) => button.addEventListener("click", () => speak(button.value)));
  speak(root.lang);

  /* Light and dark: as the system is set, until somebody chooses. */
  const dark = here("dark");
  const wanted = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => "dark" in root.dataset || (!("light" in root.dataset) && wanted.matches);
  const shade = () => dark.setAttribute("aria-pressed", String(isDark()));
  dark.addEventListener("click", () => {
    const now = isDark();
    delete root.dataset.dark;
    delete root.dataset.light;
    root.dataset[now ? "light" : "dark"] = "";
    shade();
  });
  wanted.addEventListener("change", shade);
  shade();

  /* Commands */
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = made("textarea");
      area.value = text;
      area.className = "unseen";
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  };
  all(".copy").forEach((button) => button.addEventListener("click", async () => {
    const done = await copy(button.previousElementSibling.textContent);
    button.focus();
    here("told").replaceChildren(...word(done ? "copied" : "not-copied"));
    const before = [...button.childNodes];
    if (!done || button.dataset.done) return;
    button.dataset.done = "yes";
    button.replaceChildren(...word("copied"));
    setTimeout(() => {
      button.replaceChildren(...before);
      delete button.dataset.done;
    }, 1600);
  }));

  /* A link to what is folded away opens it. */
  const unfold = () => {
    let id = location.hash.slice(1);
    try { id = decodeURIComponent(id); } catch { /* a link that somebody cut: as it stands */ }
    const target = here(id);
    if (target instanceof HTMLDetailsElement) target.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  if (location.hash) unfold();

  /* Checks */
  const rows = all("#rows tr").map((row) => [row, row.textContent.toLowerCase()]);
  let verdict = "";
  const sift = () => {
    const words = here("filter").value.toLowerCase().split(/\s+/);
    let left = 0;
    for (const [row, text] of rows) {
      const fits = (!verdict || row.dataset.verdict === verdict) && words.every((one) => text.includes(one));
      row.hidden = !fits;
      left += fits;
    }
    here("none-left").hidden = left > 0;
  };
  here("filter").addEventListener("input", sift);
  all(".verdict-of").forEach((button) => button.addEventListener("click", () => {
    verdict = button.value;
    all(".verdict-of").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
    sift();
  }));

  /* The picture beneath its boxes: shown from the reader's disk, kept nowhere. */
  all(".under").forEach((input) => input.addEventListener("change", () => {
    const drawing = input.closest("figure").querySelector(".picture");
    const [file] = input.files;
    if (!file) return;
    input.value = "";
    all("image", drawing).forEach((old) => { URL.revokeObjectURL(old.getAttribute("href")); old.remove(); });
    const image = document.createElementNS("http://www.w3.org/2000/svg", "image");
    const { width, height } = drawing.viewBox.baseVal;
    for (const [key, value] of Object.entries({ width, height, preserveAspectRatio: "none" })) image.setAttribute(key, value);
    image.setAttribute("href", URL.createObjectURL(file));
    drawing.querySelector(".ground").after(image);
  }));

  /* Another report */
  const read = (text) => {
    let report;
    try {
      report = JSON.parse(text);
    } catch {
      const page = new DOMParser().parseFromString(text, "text/html");
      report = JSON.parse(page.getElementById("data").textContent);
    }
    if (report.format !== data.format || !Array.isArray(report.findings)) throw new TypeError("no report");
    return report;
  };
  const key = (finding) => JSON.stringify(finding.location
    ? [finding.code, finding.location.file, finding.evidence?.text ?? null]
    : [finding.code, finding.subject]);
  const title = (finding) => (typeof finding.title === "string" ? [finding.title] : both(finding.title));
  const entry = (finding) => {
    const text = title(finding);
    if (finding.anchor && data.findings.includes(finding)) {
      const link = made("a", ...text);
      link.href = `#${finding.anchor}`;
      text.splice(0, text.length, link);
    }
    const name = made("span", `${finding.code} ${finding.name}`);
    name.className = "code";
    return made("li", ...text, " ", name);
  };
  const listed = (heading, findings) => [
    made("h3", ...word(heading)),
    findings.length ? made("ul", ...findings.map(entry)) : made("p", ...word("compare-nothing")),
  ];
  const at = (report, measure) => {
    const own = report.measures?.find((one) => one.of === measure.of);
    const probe = report.probes?.find((one) => one.name === measure.of.split(".")[0]);
    if (probe && probe.outcome !== "ok") return null;
    const value = own ? own.value : measure.of.split(".").reduce((facts, step) => facts?.[step], report.facts);
    return typeof value === "number" ? value : null;
  };
  const quantity = (value, unit) => {
    if (unit === "B")
      return value >= 10 * 2 ** 30 ? `${(value / 2 ** 30).toFixed(1)} GiB` : `${(value / 2 ** 20).toFixed(0)} MiB`;
    if (unit === "s" && value < 0.9995) return `${Number((value * 1000).toPrecision(3))} ms`;
    if (unit === "s") return value < 999.5 ? `${Number(value.toPrecision(3))} s` : `${value.toFixed(0)} s`;
    return String(value);
  };
  const figures = (report) => {
    const lines = [];
    for (const one of data.measures) {
      const before = at(report, one);
      if (before === null || one.value === null) continue;
      const change = one.value - before;
      const cells = [made("th", ...both(one.label)), made("td", quantity(before, one.unit)), made("td", quantity(one.value, one.unit)),
        made("td", before ? `${change > 0 ? "+" : ""}${(100 * change / before).toFixed(0)} %` : "")];
      cells[0].scope = "row";
      cells.slice(1).forEach((cell) => { cell.className = "number"; });
      if (Math.abs(change) > one.least && Math.abs(change) > data.regress * Math.abs(before)) {
        cells[3].classList.add((change > 0) === (one.better === "less") ? "worse" : "better");
      }
      lines.push(made("tr", ...cells));
    }
    if (!lines.length) return [];
    const heads = ["compare-figure", "compare-before", "compare-now", "compare-change"].map((name, place) => {
      const cell = made("th", ...word(name));
      cell.scope = "col";
      if (place) cell.className = "number";
      return cell;
    });
    return [made("h3", ...word("compare-figure")), made("table", made("thead", made("tr", ...heads)), made("tbody", ...lines))];
  };
  here("earlier").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    event.target.value = "";  /* so that the same file, written again, can be chosen again */
    const shown = here("difference");
    try {
      const report = read(await file.text());
      const then = new Set(report.findings.map(key));
      const now = new Set(data.findings.map(key));
      shown.replaceChildren(
        ...listed("compare-new", data.findings.filter((one) => !then.has(key(one)))),
        ...listed("compare-gone", report.findings.filter((one) => !now.has(key(one)))),
        ...listed("compare-same", data.findings.filter((one) => then.has(key(one)))),
        ...figures(report),
      );
    } catch {
      shown.replaceChildren(made("p", ...word("compare-wrong")));
    }
  });
})();
