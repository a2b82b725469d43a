// Tells a Regulars server what a visitor does, and shows what it recommends. No dependencies.
// docs/browser.md describes it; regulars.js is this file without comments and long names.
(() => {
  const VISITOR = "regulars-visitor"; // localStorage: the visitor's id and until when
  const VISIT = "regulars-visit"; // sessionStorage: what this tab saw and has yet to send
  const LIFE_DAYS = 180;
  const BATCH = 50; // far below the 64 KB that may be sent while a page is left
  const KEPT = 500;
  const SEEN = 20;
  const SOON = 1000;
  const PATIENCE = 5000;
  const SLOWEST = 60000;
  const TYPE = "application/json";
  const LOCAL = "localStorage";
  const SESSION = "sessionStorage";

  let shop = {};
  let granted = false;
  let visitor;
  let visit;
  let sending = false;
  let parted; // the last event that a beacon took along
  let timer;
  let pause = SOON;

  const read = (store, name) => {
    try {
      return JSON.parse(self[store][name]);
    } catch {
      // Nothing is there, or storage is blocked.
    }
  };
  const write = (store, name, value) => {
    try {
      if (value) self[store][name] = JSON.stringify(value);
      else delete self[store][name];
    } catch {
      // Blocked or full: what is known lives as long as this page.
    }
  };
  // A page without https has no randomUUID. An id need not be hard to guess, only to meet twice.
  const newId = () => crypto.randomUUID?.() || Date.now() + "-" + Math.random();

  const visitorId = () => {
    visitor ||= read(LOCAL, VISITOR);
    if (!(visitor?.until > Date.now())) {
      visitor = { id: newId(), until: Date.now() + LIFE_DAYS * 864e5 };
      write(LOCAL, VISITOR, visitor);
    }
    return visitor.id;
  };
  const thisVisit = () =>
    (visit ||= { seen: [], from: {}, queue: [], ...(granted && read(SESSION, VISIT)) });
  const keepVisit = () => granted && write(SESSION, VISIT, thisVisit());
  const forget = () => {
    visitor = visit = null;
    write(LOCAL, VISITOR);
    write(SESSION, VISIT);
  };
  // With keys a server believes who a visitor is only with the customer's token.
  const customer = () => (shop.token || !shop.key ? shop.customer : null);
  const announce = (detail) => dispatchEvent(new CustomEvent("regulars", { detail }));

  const address = (path, own) => {
    const url = new URL(shop.url + "/v1/" + path);
    if (shop.key) url.searchParams.set("key", shop.key);
    if (own && shop.token) url.searchParams.set("token", shop.token);
    return url;
  };
  const ask = async (path, body, own) => {
    const answer = await fetch(address(path, own), {
      ...(body && {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "Content-Type": TYPE },
        keepalive: true,
      }),
      credentials: "omit",
      signal: AbortSignal.timeout?.(PATIENCE),
    });
    if (!answer.ok) throw answer.status;
    return answer.json();
  };

  const plan = (after) => {
    timer ||= setTimeout(send, after);
  };
  const send = async (leaving) => {
    clearTimeout(timer);
    timer = 0;
    const events = granted ? thisVisit().queue.slice(0, BATCH) : [];
    const last = events.at(-1)?.event_id;
    if (!last || (leaving ? last == parted : sending)) return;
    const body = { events };
    const url = address("events", true);
    // To another origin a beacon would need cookies to be allowed there. What it carries stays in
    // the queue, since nobody learns whether it arrived: sent again, the event counts once.
    if (leaving && url.origin == location.origin && navigator.sendBeacon) {
      const blob = new Blob([JSON.stringify(body)], { type: TYPE });
      if (navigator.sendBeacon(url, blob)) {
        parted = last;
        return announce({ sent: events });
      }
    }
    sending = true;
    let done = true;
    try {
      announce({ sent: events, answer: await ask("events", body, true) });
    } catch (error) {
      // Only what can never be taken is given up.
      done = error == 400 || error == 413;
      announce({ sent: events, error });
    }
    sending = false;
    if (done) {
      const sent = new Set(events.map((each) => each.event_id));
      const now = thisVisit();
      now.queue = now.queue.filter((each) => !sent.has(each.event_id));
      keepVisit();
    }
    pause = done ? SOON : Math.min(pause * 2, SLOWEST);
    if (thisVisit().queue.length) plan(pause);
  };
  const tell = (type, items, more) => {
    if (!granted) return;
    const now = thisVisit();
    now.queue.push({
      event_id: newId(),
      type,
      occurred_at: new Date().toISOString(),
      anonymous_id: visitorId(),
      customer_id: customer() || undefined,
      lines: items.map((each) => (each.item_id ? each : { item_id: String(each) })),
      ...more,
    });
    now.queue = now.queue.slice(-KEPT);
    keepVisit();
    plan(SOON);
  };
  const from = (item) => thisVisit().from[item.item_id || item];

  // The first list that the server gives; a server that does not answer at all is not asked twice.
  const list = async (placement, { limit = 8, exclude = [], similar, together, basket }) => {
    const id = encodeURIComponent;
    const who = granted && customer();
    const { seen } = thisVisit();
    const ways = [];
    if (similar) ways.push([`items/${id(similar)}/similar`]);
    else if (together) ways.push([`items/${id(together)}/bought-together`]);
    else if (basket) ways.push(["basket/recommendations", basket]);
    else {
      if (who) ways.push([`customers/${id(who)}/recommendations`, null, true]);
      if (granted && seen.length) ways.push(["sessions/recommendations", seen]);
      ways.push(["items/popular"]);
    }
    const query = new URLSearchParams({ placement, limit });
    exclude.forEach((each) => query.append("exclude_item_ids", each));
    for (const [path, items, own] of ways) {
      const body = items && { items, placement, limit, exclude_item_ids: exclude };
      try {
        return await ask(body ? path : path + "?" + query, body, own);
      } catch (error) {
        if (!(error > 0)) throw error;
      }
    }
  };
  const described = async (ids) => {
    const query = new URLSearchParams(ids.map((each) => ["ids", each]));
    return (await ask("items?" + query)).items;
  };

  const make = (tag, name, text) => {
    const made = document.createElement(tag);
    made.className = "regulars-" + name;
    if (text) made.textContent = text;
    return made;
  };
  // Not javascript: and the like, whatever the catalogue says.
  const web = (link) => link && /^https?:/.test(new URL(link, document.baseURI).href) && link;
  const money = (minor) => {
    const format = new Intl.NumberFormat(document.documentElement.lang || undefined, {
      style: "currency",
      currency: shop.currency,
    });
    return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
  };
  const card = (item) => {
    const link = make("a", "card");
    if (web(item.url)) link.href = item.url;
    if (web(item.image_url)) {
      const image = make("img", "image");
      image.src = item.image_url;
      image.alt = ""; // the title beside it says it all
      link.append(image);
    }
    link.append(make("span", "title", item.title), " ");
    if (item.price != null && shop.currency) link.append(make("span", "price", money(item.price)));
    return link;
  };

  const recommend = async (placement, element, options = {}) => {
    // Asked again meanwhile, the later list is the one to show, whichever comes first.
    const turn = (element.regulars = {});
    const answer = await list(placement, options);
    const ids = answer.items.map((each) => each.item_id);
    const found = ids.length ? await (options.items || shop.items || described)(ids) : [];
    const known = new Map(found.map((each) => [each.item_id, each]));
    const shown = make("ul", "list");
    const listed = new Map();
    const mark = { recommendation_id: answer.recommendation_id, placement };
    const seen = new IntersectionObserver(
      (entries) => {
        const ids = [];
        const ranks = [];
        for (const { isIntersecting, target } of entries) {
          if (!isIntersecting) continue;
          seen.unobserve(target);
          ids.push(listed.get(target).item_id);
          ranks.push(listed.get(target).rank);
        }
        if (ids[0]) tell("impression", ids, { ...mark, properties: { ranks } });
      },
      { threshold: 0.5 },
    );
    for (const place of answer.items) {
      const item = known.get(place.item_id);
      if (!item?.title) continue;
      const entry = make("li", "item");
      entry.append((options.render || card)(item, place));
      entry.onclick = entry.onauxclick = () => {
        thisVisit().from[place.item_id] = mark;
        tell("select_item", [place.item_id], { ...mark, properties: { rank: place.rank } });
      };
      listed.set(entry, place);
      shown.append(entry);
    }
    announce({ list: answer });
    if (listed.size && element.regulars == turn) element.replaceChildren(shown);
    listed.forEach((_, entry) => seen.observe(entry));
    return answer;
  };

  const api = {
    init(options) {
      shop = { ...options, url: new URL(options.url || "/", location.href).href.replace(/\/+$/, "") };
      api.consent(shop.consent == "granted", shop.consent != "denied");
    },
    consent(yes, keep) {
      if (!granted) visit = null;
      granted = !!yes;
      if (granted) plan(SOON);
      else if (!keep) forget();
    },
    identify(who, token) {
      shop.customer = who;
      shop.token = token;
      if (who && customer() && granted && thisVisit().who != who) {
        thisVisit().who = who;
        tell("identify", []);
      }
    },
    visitor: () => (granted ? visitorId() : null),
    page(properties) {
      tell("view_item_list", [], { properties: { page: location.pathname, ...properties } });
    },
    view(item) {
      const now = thisVisit();
      const id = String(item.item_id || item);
      now.seen = now.seen.filter((each) => each != id).concat(id).slice(-SEEN);
      tell("view_item", [item], from(item));
    },
    addToCart(item) {
      tell("add_to_cart", [item], from(item));
    },
    removeFromCart(item) {
      tell("remove_from_cart", [item]);
    },
    search(text) {
      tell("search", [], { properties: { query: String(text).slice(0, 200) } });
    },
    purchase({ order_id, lines, currency }) {
      // The order's own id: a thank-you page that is loaded again counts once.
      const event_id = "purchase-" + order_id;
      if (customer()) tell("purchase", lines, { event_id, order_id, currency });
    },
    recommend,
  };
  // Whatever happens here, the shop's own script goes on.
  const quiet =
    (act) =>
    (...given) => {
      const failed = (error) => void announce({ error });
      try {
        const done = act(...given);
        return done?.catch ? done.catch(failed) : done;
      } catch (error) {
        failed(error);
      }
    };
  self.regulars = Object.fromEntries(
    Object.entries(api).map(([name, act]) => [name, quiet(act)]),
  );
  addEventListener("pagehide", () => send(true));
  addEventListener("online", () => send());
  document.addEventListener("visibilitychange", () => send(document.hidden));
})();
