// Tabs that have been seen stay laid out and drawn: turning to one is a change of style, and nothing is built again.
// Those that have not been seen are built ahead, one by one, while nobody touches the page.

const UNTOUCHED_MS = 2500
const UNVEIL_MS = 3000
const ASKED_MS = 150
const ANSWERED_MS = 5000
const IDLE_MS = 50 // Safari does not say when it is idle
const whenIdle = window.requestIdleCallback ?? ((work) => setTimeout(work, IDLE_MS))
const TOUCHES = ["pointermove", "pointerdown", "keydown", "wheel"]
const STYLE = `
  :host { display: block; }
  .frame { position: relative; }
  .pane.behind { opacity: 0.15; }
  .pane.asked { --drawn: 0.15; }
  .pane.away { content-visibility: hidden; position: absolute; left: 0; right: 0; height: 0; overflow: hidden; }
  .veil { padding: 14px 4px; min-height: 400px; font: 0.9rem/1.5 system-ui, sans-serif; color: inherit; }
  .veil b { display: block; font-size: 1.1rem; }
  .veil div { margin-top: 14px; height: 240px; border-radius: 8px; background: currentColor; opacity: 0.07; }
  .veil[hidden] { display: none; }`

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

// Panel-material-ui colours the parts of a figure when they come, and a colour bar then asks for another layout. One in a
// pane that is away was never laid out, and would fail; it is when its pane is seen.
function waitForLayout(models) {
  const bars = Bokeh.Models.ColorBar.prototype.default_view.prototype
  if (!bars.waits) {
    bars.waits = true
    const begin = bars.lazy_initialize
    bars.lazy_initialize = async function () {
      await begin.call(this)
      guard(this)
    }
  }
  // Those of the tab that the page opens with were made before.
  for (const bar of models) if (bar.type == "ColorBar") guard(Bokeh.index.find_one(bar))
}

function guard(bar) {
  const parent = bar?._axis_view?.parent
  if (!parent || parent.guarded) return
  parent.guarded = true
  const ask = parent.request_layout
  parent.request_layout = () => { if (bar.layout != null) ask.call(parent) }
}

// Bokeh arranges the buttons of a toolbar at each layout of its figure: it takes them out, puts them in and measures them,
// and each time the browser works out the styles of the page anew. One that is hidden until the pointer comes to its
// figure waits for that. It is as wide as its buttons, so that each time one of them finds no room, till one is left
// and a menu: this is done at once, before they cover the title.
function restHiddenToolbars() {
  const bars = Bokeh.Models.Toolbar.prototype.default_view.prototype
  if (bars.rests) return
  bars.rests = true
  const {_after_render: arrange, _on_visible_change: turn} = bars
  bars._after_render = function () { if (this.visible) arrange.call(this) }
  bars._on_visible_change = function () {
    turn.call(this)
    if (!this.visible || this.arranged == this._items) return
    this.arranged = this._items
    this._items.forEach(() => arrange.call(this))
  }
}

// What is drawn answers what was asked before the reader changed a control, till the server has answered: after a moment
// it is faint (layout.Beside). A change that needs no answer is forgotten after a while.
function fadeWhatIsAsked(pane) {
  let asked = 0
  const turn = (at) => {
    asked = at
    pane().classList.toggle("asked", at > 0 && performance.now() - at > ASKED_MS)
  }
  return (event) => {
    if (!event.sync) { if (asked) turn(0); return }
    if (event.attr != "value" || asked) return
    const at = asked = performance.now()
    setTimeout(() => { if (asked == at) turn(at) }, ASKED_MS + 10)
    setTimeout(() => { if (asked == at) turn(0) }, ANSWERED_MS)
  }
}

function element(name, options = {}, ...children) {
  const made = Object.assign(document.createElement(name), options)
  made.append(...children)
  return made
}

export function render({model, view}) {
  keepSheets(Object.getPrototypeOf(view.style))
  waitForLayout(Bokeh.documents[0].all_models)
  restHiddenToolbars()
  const bar = view.model.data.bar.data
  const places = view.model.data.panes
  const panes = model.get_child("panes").map((el) => element("div", {}, el))
  const words = element("b")
  const veil = element("div", {className: "veil"}, words, "Drawing …", element("div"))
  veil.setAttribute("role", "status")
  const built = places.map((place) => place.children.length > 0)
  let ahead = -1 // the pane that is built ahead is laid out with the one that is seen, until the page is touched
  let touched = performance.now()

  const show = () => {
    panes.forEach((pane, i) => {
      const seen = i == bar.active && built[i]
      pane.className = seen ? "pane" : "pane away"
      pane.classList.toggle("behind", model.behind.includes(i))
      pane.ariaHidden = seen ? null : "true"
      pane.setAttribute("role", "tabpanel")
      pane.setAttribute("aria-label", bar._names[i])
    })
    veil.hidden = built[bar.active]
    words.textContent = bar._names[bar.active]
  }
  // The server is told first, and answers while the browser lays out what is seen.
  const turn = () => {
    show()
    queueMicrotask(() => view.invalidate_layout())
  }
  // What is away takes no part in layout, which Bokeh does for a whole page at every change; and while a pane is built
  // none is laid out, because each of its parts asks for that as it comes: once, when all are there, is enough.
  const building = new Set()
  const laidOut = () => building.size ? [] : [view.model.data.bar, ...new Set([places[bar.active], places[ahead]])]
  Object.defineProperties(view, {
    layoutable_views: {get: () => laidOut().map((part) => part && view.get_child_view(part)).filter((part) => part)},
    is_managed: {value: false},
  })
  for (const name of ["compute_layout", "invalidate_layout"]) {
    const layOut = view[name]
    view[name] = () => { if (!building.size) layOut.call(view) }
  }
  const finish = (i) => {
    if (building.delete(i)) view.invalidate_layout()
  }
  // A pane is unveiled when the browser has built it, not frame by frame.
  const unveil = (i) => {
    if (built[i]) return
    if (i == bar.active || i == ahead) building.add(i)
    whenIdle(() => { built[i] = true; show(); finish(i) }, {timeout: UNVEIL_MS})
  }

  const untouched = () => performance.now() - touched > UNTOUCHED_MS
  const touch = () => {
    touched = performance.now()
    finish(ahead)
    ahead = -1
  }
  let timer
  // Not before the page is all there: what the server sends in answer to a page that is being made would be lost.
  const ask = () => whenIdle(() => {
    if (model.complete) return
    if (!document.hidden && untouched() && Bokeh.documents[0].is_idle) model.send_msg({untouched: true})
    timer = setTimeout(ask, UNTOUCHED_MS)
  })

  const fade = fadeWhatIsAsked(() => panes[bar.active])
  Bokeh.documents[0].on_change(fade)
  const unveils = places.map((place, i) => () => unveil(i))
  bar.properties.active.change.connect(turn)
  places.forEach((place, i) => place.properties.children.change.connect(unveils[i]))
  model.on("behind", show)
  model.on("ahead", () => { if (untouched()) ahead = model.ahead })
  TOUCHES.forEach((name) => window.addEventListener(name, touch, {capture: true, passive: true}))
  timer = setTimeout(ask, UNTOUCHED_MS)
  model.on("remove", () => {
    clearTimeout(timer)
    Bokeh.documents[0]?.remove_on_change(fade)
    bar.properties.active.change.disconnect(turn)
    places.forEach((place, i) => place.properties.children.change.disconnect(unveils[i]))
    TOUCHES.forEach((name) => window.removeEventListener(name, touch, {capture: true}))
  })
  show()
  return element("div", {className: "frame"}, element("style", {textContent: STYLE}), model.get_child("bar"), veil, ...panes)
}
