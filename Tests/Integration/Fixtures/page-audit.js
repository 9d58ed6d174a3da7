// What a checker of accessibility would complain of in the document: roles, names, references, headings, contrast.
// Gives a list of sentences, empty where there is nothing.
(() => {
  const found = [];
  const shown = element => `<${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ""}${
    element.getAttribute("class") ? `.${element.getAttribute("class").split(" ").join(".")}` : ""}> ${
    (element.textContent ?? "").trim().slice(0, 40)}`;
  const isVisible = element => element.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    && element.getClientRects().length > 0;
  const isHidden = element => element.closest("[aria-hidden=true]") !== null;
  const all = selector => [...document.querySelectorAll(selector)];

  // Names.
  const nameOf = element => {
    const labelled = element.getAttribute("aria-labelledby");
    if (labelled) return labelled.split(" ").map(id => document.getElementById(id)?.textContent ?? "").join(" ").trim();
    const label = element.getAttribute("aria-label");
    if (label) return label.trim();
    if (element.labels?.length) return [...element.labels].map(one => one.textContent).join(" ").trim();
    const copy = element.cloneNode(true);
    copy.querySelectorAll("[aria-hidden=true]").forEach(one => one.remove());
    return (copy.textContent || element.getAttribute("alt") || element.getAttribute("title") || "").trim();
  };
  for (const element of all("a[href], button, input, select, textarea, summary, dialog[open], section, nav, [role=group], table")) {
    if (isVisible(element) && !isHidden(element) && nameOf(element) === "") found.push(`has no name: ${shown(element)}`);
  }
  for (const element of all("img")) if (!element.hasAttribute("alt")) found.push(`has no alt: ${shown(element)}`);
  for (const element of all("svg")) {
    const isImage = element.getAttribute("role") === "img" && element.getAttribute("aria-label");
    if (!isImage && !isHidden(element)) found.push(`neither hidden nor named: ${shown(element)}`);
  }

  // Structure.
  if (!document.documentElement.lang) found.push("the document has no language");
  if (!document.title.trim()) found.push("the document has no title");
  for (const [selector, words] of [["main", "main"], ["h1", "h1"]]) {
    if (all(selector).length !== 1) found.push(`there are ${all(selector).length} ${words}, not one`);
  }
  const ids = all("[id]").map(element => element.id);
  for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index))) found.push(`two have the id ${id}`);
  for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls", "for"]) {
    for (const element of all(`[${attribute}]`)) {
      for (const id of element.getAttribute(attribute).split(" ")) {
        if (!document.getElementById(id)) found.push(`${attribute} of ${shown(element)} names nothing: ${id}`);
      }
    }
  }
  let level = 0;
  for (const heading of all("h1, h2, h3, h4").filter(one => one.checkVisibility())) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1 && level > 0) found.push(`a heading skips a level: ${shown(heading)}`);
    level = own;
  }
  for (const element of all("[tabindex]")) if (element.tabIndex > 0) found.push(`tabindex above 0: ${shown(element)}`);
  for (const element of all("[aria-hidden=true] :is(a[href], button, input)")) {
    if (isVisible(element)) found.push(`can have the focus, and is hidden: ${shown(element)}`);
  }
  for (const element of all("ul > *, ol > *")) if (element.tagName !== "LI") found.push(`in a list, and no item: ${shown(element)}`);

  // Tables say their roles outright, as they are laid out as cards too.
  for (const table of all("table")) {
    if (table.getAttribute("role") !== "table") found.push(`a table without the role: ${shown(table)}`);
    const columns = table.tHead?.rows[0]?.cells.length ?? 0;
    for (const row of table.querySelectorAll("tr")) {
      if (row.classList.contains("spacer")) {
        if (row.getAttribute("aria-hidden") !== "true") found.push("a spacer isn't hidden");
        continue;
      }
      if (row.getAttribute("role") !== "row") found.push(`a row without the role: ${shown(row)}`);
      if (row.cells.length !== columns) found.push(`${row.cells.length} cells under ${columns} heads: ${shown(row)}`);
      for (const cell of row.cells) {
        const role = cell.getAttribute("role");
        if (!["cell", "columnheader", "rowheader"].includes(role)) found.push(`a cell without the role: ${shown(cell)}`);
      }
    }
  }
  for (const table of all("table[aria-rowcount]")) {
    const indexes = [...table.querySelectorAll("tbody [aria-rowindex]")].map(row => Number(row.getAttribute("aria-rowindex")));
    if (indexes.some((index, place) => place > 0 && index !== indexes[place - 1] + 1)) found.push("aria-rowindex has gaps");
    if (Math.max(0, ...indexes) > Number(table.getAttribute("aria-rowcount"))) found.push("a row beyond aria-rowcount");
  }

  // Contrast of every text, by what is computed.
  const parse = text => {
    const numbers = text.match(/-?[\d.]+(?:e-?\d+)?/g)?.map(Number) ?? [0, 0, 0, 0];
    const scale = text.startsWith("color(srgb") ? 255 : 1;
    return [numbers[0] * scale, numbers[1] * scale, numbers[2] * scale, numbers[3] ?? 1];
  };
  const over = (top, bottom) => {
    const alpha = top[3];
    return [0, 1, 2].map(index => top[index] * alpha + bottom[index] * (1 - alpha)).concat(1);
  };
  const ground = element => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const color = parse(getComputedStyle(one).backgroundColor);
      if (color[3] > 0) layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reverse().reduce((bottom, top) => over(top, bottom), [255, 255, 255, 1]);
  };
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map(value => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (first, second) => {
    const [dark, light] = [luminance(first), luminance(second)].sort((left, right) => left - right);
    return (light + 0.05) / (dark + 0.05);
  };
  let texts = 0;
  const check = (element, color, words) => {
    const style = getComputedStyle(element);
    const below = ground(element);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = contrast(over(parse(color), below), below);
    texts += 1;
    if (ratio < (isLarge ? 3 : 4.5)) found.push(`contrast ${ratio.toFixed(2)}: ${words} (${color} on ${below.map(Math.round)})`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("noscript, .hidden") || !isVisible(element)) continue;
    if (element.closest("button:disabled")) continue;
    check(element, getComputedStyle(element).color, shown(element));
  }
  for (const input of all("input[placeholder]")) check(input, getComputedStyle(input, "::placeholder").color, "a placeholder");
  if (texts < 5) found.push(`only ${texts} texts were looked at`);
  return [...new Set(found)];
})()
