// Debian's Chromium, driven by playwright-core.
import {chromium} from 'playwright-core';

export async function startBrowser(world) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', '--no-first-run'],
  });
  world.onEnd(() => browser.close());
  return browser;
}

// A fresh profile: no cookies, no cache. The test CA is not in its trust store, so certificate errors
// are passed over here; Visitor is what proves that the chain verifies.
export async function newProfile(browser) {
  const context = await browser.newContext({ignoreHTTPSErrors: true});
  context.setDefaultTimeout(20_000);
  return context;
}

// Fills in the provider's page.
export async function chooseUser(page, user) {
  await page.waitForURL(/\/interaction\//);
  await page.getByLabel('user').fill(user);
  await page.getByRole('button', {name: 'Continue'}).click();
}

// The request that the recording origin described as JSON on the page.
export async function describedRequest(page) {
  return JSON.parse(await page.locator('body').innerText());
}
