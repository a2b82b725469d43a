// The sample shop's own script: what a shop writes around regulars.js.
(() => {
  // Should regulars.js not load, every call is one that does nothing.
  const regulars = window.regulars ?? new Proxy({}, { get: () => () => {} });
  const page = document.body.dataset;
  const KEPT = "storefront-told";
  const MOST = 30;
  const WHY = {
    buy_again: "You buy this again and again",
    because_you_bought: "Because of what you bought",
    because_you_viewed: "Because of what you looked at",
    bought_together: "Goes into one order with it",
    similar: "Bought by the same people",
    likes_category: "From an aisle you like",
    popular: "Sells well now",
  };
  const HEADINGS = {
    because_you_viewed: "Because of what you looked at",
    popular: "What sells best now",
  };

  const span = (name, text) => {
    const made = document.createElement("span");
    made.className = name;
    made.textContent = text;
    return made;
  };

  // The panel: what was sent and what came back, over the pages of this visit.
  const told = JSON.parse(sessionStorage.getItem(KEPT) || "[]");
  const note = (what, came, body, bad) => {
    told.unshift({ what, came, body, bad });
    told.length = Math.min(told.length, MOST);
    sessionStorage.setItem(KEPT, JSON.stringify(told));
    show();
  };
  const show = () => {
    document.getElementById("told-count").textContent = told.length;
    document.getElementById("told").replaceChildren(
      ...told.map(({ what, came, body, bad }) => {
        const entry = document.createElement("li");
        const more = document.createElement("details");
        const summary = document.createElement("summary");
        const text = document.createElement("pre");
        summary.textContent = "Look inside";
        text.textContent = JSON.stringify(body, null, 2);
        text.tabIndex = 0;
        more.append(summary, text);
        const line = document.createElement("div");
        line.append(span("what", what));
        const second = document.createElement("div");
        second.append(span(bad ? "came bad" : "came", came));
        entry.append(line, second, more);
        return entry;
      }),
    );
  };
  const outcome = (answer) => {
    const counts = {};
    for (const { status } of answer.results) counts[status] = (counts[status] || 0) + 1;
    return Object.entries(counts)
      .map(([status, count]) => `${count} ${status}`)
      .join(", ");
  };
  const types = (events) => events.map((each) => each.type).join(", ");
  addEventListener("regulars", ({ detail }) => {
    const { sent, answer, error, list } = detail;
    if (sent) {
      const came = answer ? outcome(answer) : error ? `not taken: ${error}` : "as the page was left";
      note(`Events: ${types(sent)}`, came, { sent, answer }, !!error);
    } else if (list) {
      const whose = list.customer_id ? `for customer ${list.customer_id}` : "for nobody in particular";
      note(`List: ${list.placement}`, `${list.returned} items ${whose}, ${list.served_by}`, list);
    } else if (error) {
      note("Not to be had", String(error), {}, true);
    }
  });

  // Cards of the shop's own making, with the reason why an item is there.
  const items = async (ids) => {
    const query = new URLSearchParams(ids.map((each) => ["ids", each]));
    const answer = await fetch(`/storefront/items.json?${query}`);
    return (await answer.json()).items;
  };
  const money = (minor) => {
    const style = page.currency ? { style: "currency", currency: page.currency } : {};
    const format = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, ...style });
    return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
  };
  const render = (item, { reasons: [reason] }) => {
    const card = document.createElement("a");
    card.className = "card";
    card.href = item.url;
    const picture = document.createElement("img");
    Object.assign(picture, { src: item.image_url, alt: "", width: 312, height: 234 });
    card.append(picture, span("title", item.title));
    if (item.price !== null) card.append(span("price", money(item.price)));
    if (WHY[reason?.code]) card.append(span("why", WHY[reason.code]));
    return card;
  };

  const rails = async () => {
    const exclude = [];
    for (const rail of document.querySelectorAll("[data-rail]")) {
      const { similar, together, limit, heading } = rail.dataset;
      const basket = rail.dataset.basket && JSON.parse(rail.dataset.basket);
      const options = { similar, together, basket, limit: +limit, exclude, items, render };
      const answer = await regulars.recommend(rail.dataset.rail, rail, options);
      if (!answer?.items.length) continue;
      // No list shows again what another one on the page shows.
      exclude.push(...answer.items.map((each) => each.item_id));
      rail.closest("section").hidden = false;
      const said = HEADINGS[answer.items[0].reasons[0]?.code];
      if (heading) {
        const own = page.customer && page.consent === "granted" ? "Picked for you" : said;
        document.getElementById(heading).textContent = own || "Picked for you";
      }
    }
  };
  const begin = () => {
    const seen = document.querySelector("[data-item]");
    if (page.customer) regulars.identify(page.customer, page.token);
    if (seen) regulars.view(seen.dataset.item);
    else regulars.page();
    rails();
  };

  show();
  regulars.init({ url: "/", key: page.key, consent: page.consent });
  if (page.told) {
    const { sent, answer } = JSON.parse(page.told);
    note(`From the shop's server: ${types(sent)}`, outcome(answer), { sent, answer });
  }
  begin();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const { add, remove, price } = event.submitter?.dataset ?? {};
    if (add) regulars.addToCart({ item_id: add, quantity: 1, ...(price && { unit_price: +price }) });
    if (remove) regulars.removeFromCart(remove);
    // So that an order of somebody unknown and what they looked at belong together.
    if ("order" in form.dataset) form.anonymous_id.value = regulars.visitor() || "";
    if (form.classList.contains("banner")) answered(event);
  });
  const answered = async (event) => {
    event.preventDefault();
    const form = event.target;
    const granted = event.submitter.value === "true";
    const body = new URLSearchParams({ granted });
    await fetch(form.action, { method: "POST", body, redirect: "manual" });
    form.remove();
    page.consent = granted ? "granted" : "denied";
    regulars.consent(granted);
    if (granted) begin();
  };
})();
