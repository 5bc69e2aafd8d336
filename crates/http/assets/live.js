// Keeps the inbox fresh: on every event the list is fetched again and put in place of the old one.
"use strict";
{
  let busy = false;
  let again = false;
  const refresh = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      try {
        const answer = await fetch(location.href, { cache: "no-store" });
        if (answer.ok) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          const fresh = page.getElementById("list");
          const held = document.activeElement?.closest?.("#list a")?.getAttribute("href");
          if (fresh) document.getElementById("list").replaceWith(fresh);
          if (held) document.querySelector(`#list a[href="${CSS.escape(held)}"]`)?.focus();
        }
      } catch {
        // The server is away; the event stream comes back by itself and asks again.
      }
    } while (again);
    busy = false;
  };
  const events = new EventSource("/console/events");
  events.addEventListener("change", refresh);
  events.addEventListener("open", refresh);
}
