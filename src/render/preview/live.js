// Shows the page anew when the workspace has changed. It belongs to `advise serve`; the published site has no script of it.
(() => {
  const { changes, since } = document.currentScript.dataset;
  const pause = (time) => new Promise((done) => setTimeout(done, time));
  let asking = null;
  const ask = async () => {
    // A page that nobody looks at holds no connection: a browser has few of them for one server.
    while (document.visibilityState === "visible") {
      const now = (asking = new AbortController());
      try {
        const answer = await fetch(`${changes}?since=${since}`, { signal: now.signal, cache: "no-store" });
        if (!answer.ok) throw new Error(answer.statusText);
        document.documentElement.classList.remove("advp-lost");
        if ((await answer.text()) !== since) return location.reload();
      } catch (error) {
        if (now.signal.aborted) return;
        document.documentElement.classList.add("advp-lost");
        await pause(1000);
      }
    }
  };
  document.addEventListener("visibilitychange", () => {
    asking?.abort();
    ask();
  });
  ask();
})();
