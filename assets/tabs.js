// Tabs that have been seen stay laid out and drawn: turning to one is a change of style, and nothing is built again.

const STYLE = `
  :host { display: block; }
  .pane.away { content-visibility: hidden; position: absolute; left: 0; right: 0; height: 0; overflow: hidden; }`

// Bokeh empties and fills again two sheets of every part of the page at each layout, most often with what was there, and
// measures in between: each time the browser works out the styles of the page anew. What does not change stays.
function keepSheets(sheets) {
  if (sheets.kept) return
  sheets.kept = true
  const update = sheets._update
  const late = new Set()
  const catchUp = () => {
    late.forEach((sheet) => update.call(sheet, sheet.wanted))
    late.clear()
  }
  sheets._update = function (css) {
    const layout = this.el.dataset.css == "style" || this.el.dataset.css == "parent"
    const now = this.el.textContent
    this.wanted = css
    late.delete(this)
    if (css == now) return
    if (!layout || !now.startsWith(css)) return update.call(this, css)
    if (!late.size) queueMicrotask(catchUp)
    late.add(this)
  }
  Object.defineProperty(sheets, "css", {get() { return this.wanted ?? this.el.textContent }})
}

export function render({model, view}) {
  keepSheets(Object.getPrototypeOf(view.style))
  const bar = view.model.data.bar.data
  const frame = document.createElement("div")
  const style = document.createElement("style")
  style.textContent = STYLE
  frame.style.position = "relative"
  const panes = model.get_child("panes").map((el) => {
    const pane = document.createElement("div")
    pane.setAttribute("role", "tabpanel")
    pane.append(el)
    return pane
  })
  const show = () => panes.forEach((pane, i) => {
    pane.className = i == bar.active ? "pane" : "pane away"
    pane.setAttribute("aria-label", bar._names[i])
  })
  // What is away takes no part in layout, which Bokeh does for a whole page at every change; the pane that is seen is
  // laid out by itself.
  const seen = () => [view.model.data.bar, view.model.data.panes[bar.active]]
  Object.defineProperties(view, {
    layoutable_views: {get: () => seen().map((child) => view.get_child_view(child)).filter((child) => child)},
    is_managed: {value: false},
  })
  const turn = () => {
    show()
    view.invalidate_layout()
  }
  bar.properties.active.change.connect(turn)
  model.on("remove", () => bar.properties.active.change.disconnect(turn))
  show()
  frame.append(style, model.get_child("bar"), ...panes)
  return frame
}
