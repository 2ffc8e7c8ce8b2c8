import { mount } from 'svelte';
import App from './ui/shell/App.svelte';
import './ui/tokens.css';

const page = document.getElementById('page');
if (page) mount(App, { target: page });
