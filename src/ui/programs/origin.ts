/** Where the object on the page comes from. */
export type Origin =
  | { readonly kind: 'sample'; readonly name: string }
  | { readonly kind: 'file'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'text' };
