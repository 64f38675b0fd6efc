export default function fail(): never {
  console.log('before it');
  throw new TypeError('This program fails.');
}
