"use strict";
// Sorts a table by the column whose title is clicked, and hides the rows that lack a word.
for (const table of document.querySelectorAll("table.field")) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const key = (row, i) => (row.cells[i] ? row.cells[i].dataset.v || "" : "");
  table.tHead.querySelectorAll("th").forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") === "descending";
      table.tHead.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const order = (a, b) => {
        const x = key(a, i), y = key(b, i);
        if (x === "" || y === "") return (x === "") - (y === ""); // those without a value stay last
        const c = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
        return up ? c : -c;
      };
      rows.sort(order).forEach((row) => body.append(row));
    });
  });
}
for (const place of document.querySelectorAll(".filter")) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = "Go, aes, udp …";
  label.append("Show only tunnels with the words ", input);
  place.append(label);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of place.parentElement.querySelectorAll("table.field tbody tr")) {
      row.hidden = !words.every((word) => row.dataset.words.includes(word));
    }
  });
}
