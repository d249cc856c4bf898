"use strict";
// Draws what is long only when it is opened. Text goes in as text, never as markup.
(function () {
  var data = JSON.parse(document.getElementById("data").textContent);

  function make(name, text, look) {
    var element = document.createElement(name);
    if (text !== undefined && text !== null) element.textContent = text;
    if (look) element.className = look;
    return element;
  }

  // The narrow page draws rows as blocks, and a table must stay one to who listens to it.
  function part(name, role, look) {
    var element = make(name, null, look);
    element.setAttribute("role", role);
    return element;
  }

  function seconds(times) {
    var known = times.filter(function (one) { return one !== null; });
    var low = Math.min.apply(null, known) / 1000, high = Math.max.apply(null, known) / 1000;
    return high - low < 0.0995 ? low.toFixed(2) + " s" : low.toFixed(2) + "–" + high.toFixed(2) + " s";
  }

  function said(row, into) {
    if (row.n > 1) into.append(make("span", " × " + row.n, "detail"));
    (row.v || []).forEach(function (one) { into.append(make("span", "against the contract: " + one, "says")); });
  }

  function cellOf(cell, row) {
    var td = part("td", "cell");
    if (cell === null) {
      td.append(make("span", "nothing here", "none"));
      return td;
    }
    if (cell.l !== row.l || row.m === "differs") td.append(make("span", cell.l, "label"));
    var list = make("dl");
    cell.f.forEach(function (field) {
      var line = make("div", null, field[2] ? "undeclared" : "");
      line.append(make("dt", field[0]), make("dd", field[1]));
      list.append(line);
    });
    if (cell.f.length) td.append(list);
    if (cell.more) td.append(make("span", "and " + cell.more + " more", "none"));
    return td;
  }

  function rowOf(row, index, drawing) {
    var tr = part("tr", "row", row.m || "");
    var head = part("th", "rowheader");
    head.scope = "row";
    head.append(make("span", row.c ? row.c + ", " + seconds(row.t) : seconds(row.t)));
    tr.append(head);
    if (!row.x) {
      var td = part("td", "cell");
      td.colSpan = drawing.names.length;
      td.append(make("span", row.l, "label"), " ", make("span", row.d, "detail"));
      said(row, td);
      tr.append(td);
      return tr;
    }
    if (index === drawing.first) {
      tr.classList.add("first");
      head.append(make("span", "first difference", "says"));
    } else if (row.m === "declared") {
      head.append(make("span", "declared", "says"));
    }
    row.x.forEach(function (cell, at) {
      var td = cellOf(cell, row);
      if (cell !== null && at === 0 && row.m === "declared") td.prepend(make("span", row.l, "label"));
      td.dataset.of = drawing.names[at];
      tr.append(td);
    });
    said(row, head);
    return tr;
  }

  function drawConversation(details) {
    var one = data.conversations[Number(details.dataset.conversation)];
    var names = one.rows.length ? one.names : [];
    var into = details.querySelector(".transcript");
    if (into.childElementCount) return;
    var table = part("table", "table", "stacked"), head = part("tr", "row");
    var body = part("tbody", "rowgroup"), top = part("thead", "rowgroup");
    table.append(make("caption", details.querySelector("code").textContent + ", entry by entry", "unseen"));
    var corner = part("th", "columnheader", "at");
    corner.textContent = "at";
    corner.scope = "col";
    head.append(corner);
    names.forEach(function (name) {
      var th = part("th", "columnheader");
      th.textContent = name;
      th.scope = "col";
      head.append(th);
    });
    top.append(head);
    one.rows.forEach(function (row, index) {
      body.append(rowOf(row, index, { names: names, first: one.first }));
    });
    table.append(top, body);
    into.append(table);
    one.left.forEach(function (departure) {
      var box = make("div", null, "left"), line = make("p");
      line.append(make("strong", departure.on.join(", ") + ": left its script at step " + departure.step));
      box.append(line);
      [["expected", departure.expected], ["got", departure.got]].forEach(function (pair) {
        var row = make("p", pair[0] + " ");
        row.append(make("code", pair[1]));
        box.append(row);
      });
      into.append(box);
    });
  }

  function drawLog(details) {
    var into = details.querySelector(".logs");
    if (into.childElementCount) return;
    data.logs[Number(details.dataset.log)][1].forEach(function (source) {
      var box = make("div", null, "log");
      source[1].forEach(function (line) {
        var bad = /"level": ?"(error|critical)"|\b(ERROR|CRITICAL|FATAL|Traceback)\b/.test(line);
        box.append(make("p", line, bad ? "bad" : ""));
      });
      into.append(make("h3", source[0]), box);
    });
  }

  function draw(details) {
    if (!details.open) return;
    if (details.dataset.conversation) drawConversation(details);
    if (details.dataset.log) drawLog(details);
  }

  // Opening a folded part, whoever opens it: a person, a link, the browser's search.
  document.addEventListener("toggle", function (event) { draw(event.target); }, true);
  document.querySelectorAll("details[open]").forEach(draw);

  function reveal() {
    var target = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    for (var at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target) target.scrollIntoView();
  }
  window.addEventListener("hashchange", reveal);
  if (location.hash) reveal();

  function copied(button, done) {
    button.textContent = done ? "Copied" : "Press Ctrl-C";
    window.setTimeout(function () { button.textContent = "Copy"; }, 2000);
  }

  function select(button) {
    var range = document.createRange();
    range.selectNodeContents(button.parentElement.querySelector("code"));
    window.getSelection().removeAllRanges();
    window.getSelection().addRange(range);
    copied(button, document.execCommand("copy"));
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("button[data-copy]");
    if (!button) return;
    if (!navigator.clipboard) { select(button); return; }
    navigator.clipboard.writeText(button.dataset.copy).then(
      function () { copied(button, true); },
      function () { select(button); });
  });
}());
