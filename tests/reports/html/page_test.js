// page_test.js CHROMIUM PAGE full|hostile|plain: report.html in a browser. Times are printed, not judged.
'use strict';
const assert = require('node:assert/strict');
const { statSync } = require('node:fs');
const { resolve } = require('node:path');
const { performance } = require('node:perf_hooks');
const { Browser } = require('./browser.js');

const [, , chromium, page, kind] = process.argv;
const url = `file://${resolve(page)}`;
const visible = '[...document.querySelectorAll(".rule")].filter(r => !r.hidden)';

async function opened(options) {
  const b = await Browser.start(chromium, options);
  const start = performance.now();
  await b.open(url);
  console.log(`open ${Math.round(performance.now() - start)} ms`);
  return b;
}

// Nothing but what we wrote may be there, whatever was in the journal.
async function nothingForeign(b) {
  assert.equal(await b.run('document.scripts.length'), 1);
  assert.deepEqual(await b.run('[...document.querySelectorAll("img,iframe,object,embed,link,base,meta[http-equiv=refresh],video,audio")].length'), 0);
  assert.deepEqual(await b.run('[...document.querySelectorAll("*")].flatMap(e => [...e.attributes]).filter(a => /^on|^style$|^src$/i.test(a.name)).map(a => a.name)'), []);
  assert.deepEqual(await b.run('[...document.querySelectorAll("a")].map(a => a.getAttribute("href")).filter(h => !/^(#|https?:)/.test(h))'), []);
  assert.equal(await b.run('new Set([...document.querySelectorAll("[id]")].map(e => e.id)).size === document.querySelectorAll("[id]").length'), true);
  assert.equal(await b.run('document.querySelectorAll("main > section").length'), 8);
}

async function filters(b) {
  const all = await b.run('document.querySelectorAll(".rule").length');
  assert.ok(all > 400, `${all} rules`);
  await b.key('/', '/');
  assert.equal(await b.run('document.activeElement.id'), 'text');
  const ms = await b.run(`(async () => {
    const start = performance.now();
    document.getElementById('text').value = 'mask';
    document.getElementById('text').dispatchEvent(new Event('input', { bubbles: true }));
    await new Promise(r => requestAnimationFrame(() => setTimeout(r)));
    return performance.now() - start;
  })()`);
  console.log(`filter ${Math.round(ms)} ms`);
  const left = await b.run(`${visible}.length`);
  assert.ok(left > 0 && left < all, `${left} of ${all} left`);
  assert.ok(await b.run(`${visible}.every(r => r.textContent.toLowerCase().includes('mask'))`));
  assert.ok(await b.run('[...document.querySelectorAll(".rule[hidden]")].every(r => !r.textContent.toLowerCase().includes("mask"))'));
  assert.equal(await b.run('document.getElementById("count").textContent'), `${left} of ${all} rules`);
  await b.key('Escape');
  await b.run('new Promise(r => setTimeout(r, 20))');
  assert.equal(await b.run(`${visible}.length`), all);
  await b.run('document.querySelector(".heat a[data-area=MSIX][data-level=MUST]").click()');
  assert.ok(await b.run(`${visible}.length > 0 && ${visible}.every(r => r.dataset.area === 'MSIX' && r.dataset.level === 'MUST')`));
}

async function finding(b) {
  // The first finding: its rule, although the filter hides it, and its program.
  await b.run('document.getElementById("area").value = "CAP"; document.getElementById("area").dispatchEvent(new Event("input", { bubbles: true }))');
  const rule = await b.run('document.querySelector("#findings li.failed a.id").getAttribute("href").slice(1)');
  await b.run('document.querySelector("#findings li.failed a.id").click(); new Promise(r => setTimeout(r, 50))');
  assert.equal(await b.run(`(d => d.open && !d.hidden && d.getBoundingClientRect().top < innerHeight)(document.getElementById("${rule}"))`), true);
  const program = await b.run('document.querySelector("#findings li.failed a:not(.id)").getAttribute("href").slice(1)');
  await b.run('document.querySelector("#findings li.failed a:not(.id)").click(); new Promise(r => setTimeout(r, 50))');
  const open = `document.getElementById("${program}")`;
  assert.equal(await b.run(`${open}.open`), true);
  assert.match(await b.run(`${open}.querySelector(".command").textContent`), /^gpup-cts replay \S+ reference:BUG-011$/);
  assert.equal(await b.run(`${open}.querySelectorAll(".timeline .first").length`), 1);
  assert.match(await b.run(`${open}.querySelector(".timeline").textContent`), /WriteVirtualizedInterrupt\(.*STATUS_SUCCESS/s);
  assert.equal(await b.run(`document.activeElement === ${open}.querySelector("summary")`), true);
  await b.key('Enter', '\r'); // and it is closed by the keyboard
  assert.equal(await b.run(`${open}.open`), false);
}

// The policy holds: a script that got in would not run. It says so on the console, so this comes last.
async function policy(b) {
  assert.deepEqual(b.said, []);
  assert.equal(await b.run(`(() => {
    const script = document.createElement('script');
    script.textContent = 'window.foreign = 1';
    document.body.append(script);
    return typeof window.foreign;
  })()`), 'undefined');
}

async function narrow() {
  const b = await opened({ width: 390, height: 844, dark: true });
  assert.ok(await b.run('document.documentElement.scrollWidth <= innerWidth'), 'wider than a phone');
  assert.equal(await b.run('getComputedStyle(document.body).backgroundColor'), 'rgb(20, 23, 28)');
  assert.deepEqual(b.said, []);
  await b.stop();
}

async function full(b) {
  assert.ok(statSync(page).size < 3e6, `${statSync(page).size} bytes`);
  await filters(b);
  await finding(b);
  assert.equal(await b.run('document.querySelectorAll("svg.machine").length'), 6);
  assert.ok(await b.run('document.querySelectorAll("svg.machine g.taken").length') > 20);
  assert.equal(await b.run('document.querySelectorAll("svg.plot circle").length >= 21'), true);
}

(async () => {
  const b = await opened({});
  try {
    await nothingForeign(b);
    if (kind === 'full') await full(b);
    await policy(b);
  } finally {
    await b.stop();
  }
  if (kind === 'full') await narrow();
})().catch(error => {
  console.error(error);
  process.exit(1);
});
