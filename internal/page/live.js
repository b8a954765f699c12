(function () {
  "use strict";
  var root = document.documentElement, state = document.getElementById("connection"), button = document.getElementById("pause");
  if (!window.EventSource) { return; }
  var source, heard, paused = false, waiting = {}, title = document.title;

  function show(word) {
    if (state.className !== "state is-" + word) { state.className = "state is-" + word; }
  }

  // Where the reader is, as something that can be found again in a section that was made anew.
  function place(section) {
    var at = document.activeElement;
    if (!at || !section.contains(at)) { return null; }
    if (at.id) { return "#" + CSS.escape(at.id); }
    var parent = at.closest("[id]"), list = Array.prototype.slice.call(parent.querySelectorAll(at.tagName));
    return { parent: "#" + CSS.escape(parent.id), tag: at.tagName, n: list.indexOf(at) };
  }
  function find(at) {
    if (typeof at === "string") { return document.querySelector(at); }
    var parent = document.querySelector(at.parent);
    return parent && parent.querySelectorAll(at.tag)[at.n];
  }

  function selecting(section) {
    var s = window.getSelection();
    return s && !s.isCollapsed && section.contains(s.anchorNode);
  }

  function replace(id, html) {
    var old = document.getElementById(id), box = document.createElement("template");
    if (!old) { return; }
    if (paused || selecting(old)) { waiting[id] = html; return; }
    delete waiting[id];
    box.innerHTML = html;
    var fresh = box.content.firstElementChild, focus = place(old);
    if (!fresh || fresh.id !== id) { return; }
    var left = Array.prototype.map.call(old.querySelectorAll(".scroll"), function (s) { return s.scrollLeft; });
    old.querySelectorAll("details[id]").forEach(function (d) {
      var same = fresh.querySelector("#" + CSS.escape(d.id));
      if (same) { same.open = d.open; }
    });
    old.replaceWith(fresh);
    fresh.dispatchEvent(new CustomEvent("replaced", { bubbles: true }));
    fresh.querySelectorAll(".scroll").forEach(function (s, i) { s.scrollLeft = left[i] || 0; });
    var again = focus && find(focus);
    if (again) { again.focus({ preventScroll: true }); }
    var firing = Number(fresh.getAttribute("data-firing"));
    if (fresh.hasAttribute("data-firing")) { document.title = firing ? "(" + firing + ") " + title : title; }
  }

  function flush() {
    Object.keys(waiting).forEach(function (id) { replace(id, waiting[id]); });
  }

  function stop() {
    if (source) { source.close(); }
    source = null;
  }

  function connect() {
    stop();
    heard = Date.now();
    source = new EventSource(root.getAttribute("data-stream"));
    source.onopen = function () { show(paused ? "held" : "on"); };
    source.onerror = function () { show("off"); }; // a browser tries again by itself, unless it was answered no: see below
    source.addEventListener("build", function (event) {
      // The service is another version now. A page just loaded from a replica of another version stays, so as not to circle.
      if (event.data !== root.getAttribute("data-build") && performance.now() > 60000) { location.reload(); }
    });
    document.querySelectorAll("main > section").forEach(function (section) {
      source.addEventListener(section.id, function (event) {
        heard = Date.now();
        show(paused ? "held" : "on");
        replace(section.id, event.data);
      });
    });
  }

  // Each second brings at least the time of day: silence means that the connection is dead, or was refused.
  setInterval(function () {
    flush();
    if (source && Date.now() - heard > 10000) { show("off"); connect(); }
  }, 2000);

  // Nobody looks: somebody else may have the place.
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) { stop(); } else { connect(); }
  });

  button.addEventListener("click", function () {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    show(paused ? "held" : "on");
    if (!paused) { flush(); }
  });
  state.hidden = button.hidden = false;
  show("off");
  if (!document.hidden) { connect(); }
})();
