// A page in headless Chromium, over its debugging pipe; nothing but Node and Chromium.
'use strict';
const { spawn } = require('node:child_process');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

class Browser {
  static async start(chromium, { width = 1200, height = 900, dark = false } = {}) {
    const b = new Browser();
    b.home = mkdtempSync(join(tmpdir(), 'gpup-page-'));
    b.process = spawn(chromium, ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run',
      '--disable-dev-shm-usage', `--user-data-dir=${b.home}`, '--remote-debugging-pipe'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: b.home } });
    b.next = 1;
    b.waiting = new Map();
    b.listeners = [];
    b.said = []; // what the console, the policy and exceptions said
    let rest = '';
    b.process.stdio[4].setEncoding('utf8').on('data', text => {
      const parts = (rest + text).split('\0');
      rest = parts.pop();
      parts.forEach(p => b.take(JSON.parse(p)));
    });
    b.process.on('exit', code => b.waiting.forEach(w => w.reject(new Error(`Chromium ended with ${code}`))));
    const { targetId } = await b.send('Target.createTarget', { url: 'about:blank' });
    b.session = (await b.send('Target.attachToTarget', { targetId, flatten: true })).sessionId;
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await b.send(`${domain}.enable`);
    await b.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await b.send('Emulation.setEmulatedMedia',
      { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
    return b;
  }

  take(message) {
    const w = this.waiting.get(message.id);
    if (w) {
      this.waiting.delete(message.id);
      if (message.error) w.reject(new Error(`${w.method}: ${message.error.message}`));
      else w.resolve(message.result);
      return;
    }
    const p = message.params;
    if (message.method === 'Runtime.exceptionThrown') this.said.push(p.exceptionDetails.exception?.description || p.exceptionDetails.text);
    if (message.method === 'Runtime.consoleAPICalled') this.said.push(p.args.map(a => a.value).join(' '));
    if (message.method === 'Log.entryAdded') this.said.push(p.entry.text);
    if (message.method === 'Network.requestWillBeSent' && !p.request.url.startsWith('file:')) this.said.push(`requested ${p.request.url}`);
    this.listeners = this.listeners.filter(l => l.method !== message.method || (l.resolve(p), false));
  }

  send(method, params = {}) {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { method, resolve, reject });
      this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: this.session })}\0`);
    });
  }

  once(method) {
    return new Promise(resolve => this.listeners.push({ method, resolve }));
  }

  async open(url) {
    const loaded = this.once('Page.loadEventFired');
    await this.send('Page.navigate', { url });
    await loaded;
  }

  // The value of an expression in the page; a promise is waited for.
  async run(expression) {
    const r = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (r.exceptionDetails) throw new Error(r.exceptionDetails.exception?.description || r.exceptionDetails.text);
    return r.result.value;
  }

  async key(key, text) {
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', key, text, code: key === 'Enter' ? 'Enter' : undefined,
      windowsVirtualKeyCode: { Enter: 13, Tab: 9, Escape: 27 }[key] });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key });
  }

  async picture() {
    return Buffer.from((await this.send('Page.captureScreenshot', { format: 'png' })).data, 'base64');
  }

  async stop() {
    const ended = new Promise(resolve => this.process.on('exit', resolve));
    await this.send('Browser.close').catch(() => {});
    await ended;
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}

module.exports = { Browser };
