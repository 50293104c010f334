// The tour: a small dialog that is not modal, so that what it speaks of can be tried.

const SEEN = "diffmp-tour-seen"
const seen = () => { try { return window.localStorage.getItem(SEEN) } catch { return "no storage" } }
const remember = () => { try { window.localStorage.setItem(SEEN, "1") } catch {} }

const STYLE = `
  #diffmp-tour { position: fixed; left: 16px; bottom: 16px; z-index: 1250; width: min(23rem, calc(100vw - 32px));
    box-sizing: border-box; padding: 0.9rem 1.1rem; border: 2px solid #0b5a80; border-radius: 8px; background: #ffffff;
    color: #1c2733; font: 1rem/1.45 system-ui, sans-serif; box-shadow: 0 6px 24px rgba(0, 0, 0, 0.35); }
  #diffmp-tour h2 { font-size: 1.05rem; margin: 0 0 0.3rem; } #diffmp-tour p { margin: 0 0 0.7rem; }
  #diffmp-tour button { font: inherit; padding: 0.2rem 0.8rem; margin-right: 0.4rem; border: 1px solid #0b5a80;
    border-radius: 4px; background: #ffffff; color: #0b5a80; cursor: pointer; }
  #diffmp-tour button.next { background: #0b5a80; color: #ffffff; }
  #diffmp-tour button:disabled { color: #5a6875; border-color: #5a6875; cursor: default; }
  #diffmp-tour :focus-visible { outline: 3px solid #d55e00; outline-offset: 2px; }`

function element(name, options = {}, ...children) {
  const made = Object.assign(document.createElement(name), options)
  made.append(...children)
  return made
}

export function render({model, view}) {
  let place = 0
  const end = () => {
    document.querySelector("#diffmp-tour")?.remove()
    remember()
    model.send_msg({first: false})
  }
  const go = (to) => {
    place = to
    document.querySelector("#diffmp-tour")?.remove()
    const {tab, title, text} = model.steps[place]
    const last = place == model.steps.length - 1
    model.send_msg({tab})
    const button = (label, action, more = {}) => {
      const made = element("button", {type: "button", textContent: label, ...more})
      made.addEventListener("click", action)
      return made
    }
    const next = button(last ? "Done" : "Next", () => last ? end() : go(place + 1), {className: "next"})
    const box = element("section", {id: "diffmp-tour"},
      element("style", {textContent: STYLE}),
      element("h2", {id: "diffmp-tour-title", textContent: `${place + 1} of ${model.steps.length}: ${title}`}),
      element("p", {id: "diffmp-tour-text", textContent: text}),
      button("Back", () => go(place - 1), {disabled: place == 0}), next, ...(last ? [] : [button("Skip", end)]))
    box.setAttribute("role", "dialog")
    box.setAttribute("aria-labelledby", "diffmp-tour-title")
    box.setAttribute("aria-describedby", "diffmp-tour-text")
    box.addEventListener("keydown", (event) => {
      if (event.key == "Escape") end()
      else if (event.key == "ArrowRight" && !last) go(place + 1)
      else if (event.key == "ArrowLeft" && place > 0) go(place - 1)
      else return
      event.stopPropagation()
    })
    document.body.append(box)
    next.focus()
  }
  model.on("runs", () => go(0))
  model.on("remove", () => document.querySelector("#diffmp-tour")?.remove())
  if (!seen()) view.model.document.on_event("document_ready", () => model.send_msg({first: true}))
}
