// Looks at pages in Chromium and tells what it saw, one JSON object a line.
// Reads its task from the first argument: {browser, host, shots, looks: [{name, url, scheme, width}],
// shift: the most that a page may move while it loads}
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const task = JSON.parse(process.argv[2]);
const quiet = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
const browser = await chromium.launch({ executablePath: task.browser, args: quiet });

const shifts = () => {
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value;
  }).observe({ type: 'layout-shift', buffered: true });
};

async function look({ name, url, scheme, width }) {
  const height = width < 600 ? 844 : 900;
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height } });
  const page = await context.newPage();
  const seen = { name, url, scheme, width, foreign: [], errors: [] };
  page.on('request', (request) => {
    if (new URL(request.url()).host === task.host) return;
    seen.foreign.push(`${request.resourceType()} ${request.url()}`);
  });
  page.on('console', (said) => said.type() === 'error' && seen.errors.push(said.text()));
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  const isPage = !/\.(atom|rss)(\?|$)/.test(url);
  if (isPage) await page.addInitScript(shifts);
  await page.goto(url, { waitUntil: 'load' });
  if (isPage) {
    await page.keyboard.press('Tab');
    seen.first = await page.evaluate(() => document.activeElement?.className ?? '');
    await page.evaluate(async () => {
      for (let y = 0; y < document.body.scrollHeight; y += 600) {
        scrollTo(0, y);
        await new Promise((next) => setTimeout(next, 60));
      }
      scrollTo(0, 0);
      document.activeElement.blur();
    });
    seen.shifted = await page.evaluate(() => window.shifted);
    seen.wide = await page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth <= width) return [];
      const beyond = (one) => one.getBoundingClientRect().right > width + 1;
      const wide = [...document.querySelectorAll('body *')].filter(beyond);
      return wide.map((one) => one.outerHTML.slice(0, 120));
    });
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run());
    seen.violations = found.violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 120)}`);
  }
  if (task.shots) {
    const path = `${task.shots}/${name}-${scheme}-${width}.png`;
    await page.screenshot({ path, fullPage: isPage });
  }
  await context.close();
  return seen;
}

for (const one of task.looks) {
  const seen = await look(one);
  // A picture without a size moves the page at every load; a busy machine that paints it in pieces
  // does at one of them.
  for (let again = 0; again < 2 && seen.shifted > task.shift; again += 1)
    seen.shifted = Math.min(seen.shifted, (await look(one)).shifted);
  console.log(JSON.stringify(seen));
}
await browser.close();
