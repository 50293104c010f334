// What only the browser can do: the address in the bar, keys, full screen, larger type, a lost connection, what outlives a reload.

const WRITES = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, [contenteditable]"
const USES_ARROWS = `${WRITES}, select, input, [role=slider], [role=tab], [role=combobox], [role=listbox], [role=menu],
  [role=radiogroup], [role=dialog]`
const BEARINGS = {ArrowLeft: "west", ArrowRight: "east", ArrowUp: "north", ArrowDown: "south"}
const LEVELS = {PageUp: "up", PageDown: "down"}
const SCENES = {PageDown: "next", PageUp: "previous", ArrowRight: "next", ArrowLeft: "previous",
  ArrowDown: "next", ArrowUp: "previous", Home: "first", End: "last", n: "notes", N: "notes", c: "controls", C: "controls", Escape: "leave"}

const within = (event, selector) =>
  event.composedPath().some((node) => node instanceof Element && node.matches(selector))

function command(event, presenting) {
  if ((event.ctrlKey || event.metaKey) && !event.altKey) {
    if (within(event, WRITES)) return null
    const key = event.key.toLowerCase()
    if (key == "z") return event.shiftKey ? "redo" : "undo"
    return key == "y" ? "redo" : null
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return null
  if (event.key == "?" && !within(event, WRITES)) return "explain"
  if (presenting) {
    const page = event.key == "PageDown" || event.key == "PageUp" || event.key == "Escape"
    return (page && !within(event, WRITES)) || !within(event, USES_ARROWS) ? SCENES[event.key] : null
  }
  if (within(event, ".diffmp-keys") && !within(event, WRITES)) return BEARINGS[event.key] ?? LEVELS[event.key]
  return null
}

// Scenes and the place in them live in the server's session. This window keeps a copy, so that a reload (by hand, or
// after the connection was lost) gives them back; the rest of the state is in the address.
const KEPT = `diffmp-talk ${window.location.pathname}`

function keep(talk) {
  try {
    window.sessionStorage.setItem(KEPT, JSON.stringify(talk))
  } catch {} // no storage, or no room: nothing is kept
}

function kept() {
  try {
    return JSON.parse(window.sessionStorage.getItem(KEPT))
  } catch {
    return null
  }
}

const LOST = "The connection to the server is lost. As soon as it answers, this page comes back as it is now."
const ASK_AGAIN_MS = 2000

function sayLost() {
  if (document.querySelector("#diffmp-lost")) return
  const box = document.createElement("div")
  box.id = "diffmp-lost"
  box.setAttribute("role", "alert")
  box.style.cssText = "position: fixed; inset: 0 0 auto 0; z-index: 10000; padding: 0.7rem 1rem; background: #ffd54a;" +
    "color: #111111; font: 1rem/1.5 system-ui, sans-serif; text-align: center; box-shadow: 0 2px 8px rgba(0, 0, 0, 0.4)"
  const reload = document.createElement("button")
  reload.textContent = "Reload now"
  reload.style.cssText = "font: inherit; margin-left: 1rem; padding: 0.1rem 0.8rem; color: #111111; background: #ffffff;" +
    "border: 1px solid #111111; border-radius: 4px; cursor: pointer"
  reload.addEventListener("click", () => window.location.reload())
  box.append(LOST, reload)
  document.body.append(box)
}

async function comeBack() {
  const script = document.querySelector("script[src*='static/']")?.src ?? window.location.href
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
    const answer = await fetch(script, {method: "HEAD", cache: "no-store"}).catch(() => null)
    if (answer?.ok) break
  }
  window.location.reload()
}

// panel-material-ui gives an open drawer the role of a dialog and no name: it gets that of its first heading.
function* everything(root) {
  for (const node of root.querySelectorAll("*")) {
    yield node
    if (node.shadowRoot) yield* everything(node.shadowRoot)
  }
}

function nameDialogs() {
  for (const node of everything(document)) {
    if (!node.matches("[role=dialog]:not([aria-labelledby])")) continue
    const heading = [...everything(node)].find((inner) => /^H[1-6]$/.test(inner.tagName))
    if (heading) node.setAttribute("aria-label", heading.textContent.trim())
  }
}

export function render({model, view}) {
  const tell = (command) => model.send_msg({command})
  const onKey = (event) => {
    const found = command(event, model.presenting)
    if (!found) return
    event.preventDefault()
    event.stopPropagation()
    tell(found)
  }
  const onFullscreen = () => {
    if (!document.fullscreenElement && model.presenting) tell("leave")
  }
  const onClick = (event) => { // at once: a browser refuses full screen some seconds after the click
    if (within(event, ".diffmp-present")) document.documentElement.requestFullscreen?.().catch(() => {})
  }
  const present = () => {
    const root = document.documentElement
    root.style.fontSize = model.presenting ? "130%" : ""
    if (!model.presenting && document.fullscreenElement) document.exitFullscreen()
    window.dispatchEvent(new Event("resize"))
  }
  const write = () => window.history.replaceState(null, "", window.location.pathname + model.query)
  const store = () => keep({talk: model.talk, place: model.place, presenting: model.presenting})
  const onLost = () => {
    sayLost()
    comeBack()
  }
  const before = kept()
  const restore = () => model.send_msg({restore: before})
  if (before?.talk) view.model.document.on_event("document_ready", restore)
  view.model.document.on_event("connection_lost", onLost)
  document.addEventListener("keydown", onKey, true)
  document.addEventListener("click", onClick, true)
  document.addEventListener("fullscreenchange", onFullscreen)
  model.on("query", write)
  model.on("presenting", present)
  model.on("drawers", () => [50, 300, 1500].forEach((wait) => setTimeout(nameDialogs, wait))) // when it has its content
  for (const name of ["talk", "place", "presenting"]) model.on(name, store)
  model.on("remove", () => {
    document.removeEventListener("keydown", onKey, true)
    document.removeEventListener("click", onClick, true)
    document.removeEventListener("fullscreenchange", onFullscreen)
  })
}
