(function () {
  "use strict";
  var root = document.documentElement;

  // In a mail attachment or a sandbox there may be no storage: the page works without.
  function keep(key, value) {
    try { localStorage.setItem("imerr-scan." + key, value); } catch (e) { return; }
  }
  function kept(key) {
    try { return localStorage.getItem("imerr-scan." + key); } catch (e) { return null; }
  }

  // The switches work by style alone; this remembers them, and tells a screen reader the language.
  ["lang", "theme", "range"].forEach(function (name) {
    document.querySelectorAll("input[name=" + name + "]").forEach(function (input) {
      if (kept(name) === input.value) { input.checked = true; }
      if (name === "lang" && input.checked) { root.lang = input.value; }
      input.addEventListener("change", function () {
        keep(name, input.value);
        if (name === "lang") { root.lang = input.value; }
      });
    });
  });

  function value(body, column, numeric) {
    var cell = body.rows[0].cells[column];
    if (!numeric) { return cell.textContent; }
    return Number(cell.getAttribute("data-v"));
  }

  function sort(table, head, up) {
    var numeric = head.getAttribute("data-sort") === "number";
    var bodies = Array.prototype.slice.call(table.tBodies);
    bodies.sort(function (a, b) {
      var x = value(a, head.cellIndex, numeric), y = value(b, head.cellIndex, numeric);
      var order = numeric ? x - y : x.localeCompare(y);
      return up ? order : -order;
    });
    bodies.forEach(function (body) { table.appendChild(body); });
    table.querySelectorAll("th[aria-sort]").forEach(function (th) { th.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
  }

  // Listens above the sections, so that one that is replaced still works. Without this script there are no buttons.
  function buttons() {
    document.querySelectorAll("th[data-sort]").forEach(function (th) {
      if (th.querySelector("button")) { return; }
      var button = document.createElement("button");
      button.type = "button";
      while (th.firstChild) { button.appendChild(th.firstChild); }
      th.appendChild(button);
    });
  }
  document.addEventListener("click", function (event) {
    var button = event.target.closest("th[data-sort] button");
    if (!button) { return; }
    var head = button.closest("th"), now = head.getAttribute("aria-sort");
    sort(button.closest("table"), head, now ? now === "descending" : head.getAttribute("data-sort") !== "number");
    root.setAttribute("data-sorted", head.cellIndex + " " + head.getAttribute("aria-sort"));
  });
  buttons();

  // A live page replaces sections: what the reader chose is done to the new one too.
  document.addEventListener("replaced", function (event) {
    buttons();
    var table = event.target.querySelector("table.sortable"), sorted = root.getAttribute("data-sorted");
    if (!table || !sorted) { return; }
    var head = table.tHead.rows[0].cells[parseInt(sorted, 10)];
    if (head) { sort(table, head, / ascending$/.test(sorted)); }
  });

  // A link to a code opens what is said of it.
  function open() {
    var target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    var details = target && target.querySelector("details");
    if (details && /^code-/.test(target.id)) { details.open = true; }
  }
  window.addEventListener("hashchange", open);
  open();
})();
