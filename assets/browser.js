// What only the browser can do: the address in the bar, keys, full screen, larger type.

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
  if (presenting) {
    const page = event.key == "PageDown" || event.key == "PageUp" || event.key == "Escape"
    return (page && !within(event, WRITES)) || !within(event, USES_ARROWS) ? SCENES[event.key] : null
  }
  if (within(event, ".diffmp-keys") && !within(event, WRITES)) return BEARINGS[event.key] ?? LEVELS[event.key]
  return null
}

export function render({model}) {
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
  document.addEventListener("keydown", onKey, true)
  document.addEventListener("click", onClick, true)
  document.addEventListener("fullscreenchange", onFullscreen)
  model.on("query", write)
  model.on("presenting", present)
  model.on("remove", () => {
    document.removeEventListener("keydown", onKey, true)
    document.removeEventListener("click", onClick, true)
    document.removeEventListener("fullscreenchange", onFullscreen)
  })
}
